"""Images outside registries: containers-transports(5)'s oci:, oci-archive:, docker-archive: and dir:.

What is read is as little trusted as a registry: documents are capped, blobs are verified by whoever takes
them, and a path is looked up in an archive or a directory, never made from what they hold.
"""
