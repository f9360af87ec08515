"""What the matrices of real programs share.

namespace.py runs a program in a root of its own, leash.py bounds a command and all that it starts, engines.py
runs a program of an image under elfuse, under qemu-aarch64 or as it is.
"""
