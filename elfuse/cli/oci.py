"""`elfuse oci`: the commands that work with images. Each is a file of its own."""

import click

from elfuse.cli.group import LazyGroup


@click.group(
    cls=LazyGroup,
    lazy={
        "pull": "elfuse.cli.pull:pull",
        "inspect": "elfuse.cli.inspect:inspect",
        "unpack": "elfuse.cli.unpack:unpack",
        "run": "elfuse.cli.run_image:run",
        "completion": "elfuse.cli.completion:completion",
    },
)
def oci() -> None:
    """Work with OCI images.

    IMAGE is a name as podman and docker take it (python, ghcr.io/org/name:tag, name@sha256:...),
    docker://NAME, or oci:DIR[:TAG] for an image layout on disk.
    """
