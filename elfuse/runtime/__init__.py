"""From an image's config and a user's options to a launch spec, and from that to a guest.

Never here: HTTP (elfuse.oci has it).
"""
