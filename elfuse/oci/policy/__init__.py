"""Signature policy: which images may be used here, by containers-policy.json(5) as podman and skopeo read it.

Everything fails closed: what is unknown, unreadable or cannot be checked refuses the image.
"""
