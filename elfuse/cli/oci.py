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
        "login": "elfuse.cli.login:login",
        "logout": "elfuse.cli.login:logout",
        "save": "elfuse.cli.archive:save",
        "load": "elfuse.cli.archive:load",
        "push": "elfuse.cli.push:push",
        "policy": "elfuse.cli.policy:policy",
        "completion": "elfuse.cli.completion:completion",
        "clone": "elfuse.cli.clone:clone",
        "list": "elfuse.cli.list:list_images",
        "ls": "elfuse.cli.list:ls",
        "rm": "elfuse.cli.rm:rm",
        "tag": "elfuse.cli.tag:tag",
        "ps": "elfuse.cli.ps:ps",
        "exec": "elfuse.cli.exec:refuse",
        "prune": "elfuse.cli.prune:prune",
        "rebuild-cache": "elfuse.cli.rebuild_cache:rebuild_cache",
        "status": "elfuse.cli.status:status",
        "verify": "elfuse.cli.verify:verify",
        "doctor": "elfuse.cli.doctor:doctor",
    },
)
def oci() -> None:
    """Work with OCI images.

    IMAGE is a name as podman and docker take it (python, ghcr.io/org/name:tag, name@sha256:...),
    docker://NAME, or a path: oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG], dir:DIR.
    """
