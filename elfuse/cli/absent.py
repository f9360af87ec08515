"""Options of podman's and docker's run that elfuse does not have, and why: a reason helps more than a name
that is near."""

import click

_NETWORK = "the guest has the host's network, ports and names"
_CONFINED = "a guest is a process of yours, with your rights and no others"
_LIMITS = "there are no cgroups; --ulimit, and your system's own means, limit a run"
_REASONS = {
    "--detach": "a run is a process of yours; put it in the background with & or nohup",
    **dict.fromkeys(
        ["--publish", "--publish-all", "--network", "--net", "--expose", "--ip", "--dns"], _NETWORK
    ),
    **dict.fromkeys(
        ["--privileged", "--cap-add", "--cap-drop", "--security-opt", "--userns", "--pid", "--ipc"], _CONFINED
    ),
    **dict.fromkeys(
        ["--memory", "--cpus", "--cpu-shares", "--cpuset-cpus", "--pids-limit", "--blkio-weight"], _LIMITS
    ),
    "--device": "a guest has the devices that elfuse serves itself: null, zero, random, terminals",
    "--volumes-from": "there are no named volumes; share a directory with -v",
    "--restart": "a run that has ended is started again by whoever started it",
    "--shm-size": "/dev/shm is a directory of the run's, as large as the store's file system lets it be",  # noqa: S108
}
_SHORT = {"-d": "--detach", "-p": "--publish", "-P": "--publish-all", "-m": "--memory"}


class WithReasons(click.Command):
    """A command that says why such an option is not there."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = _SHORT.get(error.option_name, error.option_name)
            if name not in _REASONS:
                raise
            raise click.UsageError(f"There is no {error.option_name}: {_REASONS[name]}.", ctx) from None
