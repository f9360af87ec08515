"""OCI images: references, registries, the store on disk, snapshots.

Never here: parsing a tar (csrc/layer does), touching a guest (elfuse.runtime does).
"""
