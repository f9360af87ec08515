"""Options in, launch spec out."""

import os
from collections.abc import Mapping, Sequence

import msgspec

from elfuse.errors import RunError
from elfuse.oci import disk
from elfuse.oci.digest import chain_id
from elfuse.oci.layout import Store
from elfuse.oci.runs import Run, RunRecord, create_run
from elfuse.oci.snapshot import default_snapshotter
from elfuse.oci.stored import StoredImage
from elfuse.runtime import config
from elfuse.runtime.mounts import parse_volume, run_mounts
from elfuse.runtime.spec import BASE_MOUNTS, LaunchSpec, User
from elfuse.runtime.users import resolve_user


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a user may say about a run; None leaves it to the image."""

    args: Sequence[str] = ()
    entrypoint: list[str] | None = None
    env: Sequence[str] = ()
    workdir: str | None = None
    user: str | None = None
    volumes: Sequence[str] = ()
    hostname: str | None = None
    name: str | None = None
    keep: bool = False
    read_only: bool = False
    strace: bool = False
    verbose: bool = False
    engine: str = "auto"
    term: str | None = None


class PreparedRun(msgspec.Struct, frozen=True):
    """A run that only needs starting. `abandon` gives its directory back."""

    spec: LaunchSpec
    run: Run
    store: Store

    def abandon(self) -> None:
        self.run.release()
        self.run.discard()


def prepare_run(
    store: Store, image: StoredImage, options: RunOptions, host_env: Mapping[str, str]
) -> PreparedRun:
    """Unpack what is not unpacked, resolve everything against the image, and claim a run directory."""
    # No prune takes the image's tree before the run's directory, which names it, is there.
    with disk.reported("preparing the run", store.path), store.activity():
        return _prepare_run(store, image, options, host_env)


def _prepare_run(
    store: Store, image: StoredImage, options: RunOptions, host_env: Mapping[str, str]
) -> PreparedRun:
    wanted = image.config.run
    argv = config.build_argv(wanted, options.entrypoint, options.args)
    cwd = config.working_directory(wanted, options.workdir)
    if options.hostname is not None:
        config.check_hostname(options.hostname)
    for volume in options.volumes:
        parse_volume(volume)  # before anything is made
    snapshotter = default_snapshotter()
    tree = snapshotter.prepare(store, image)
    root_fd = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        user = resolve_user(root_fd, options.user if options.user is not None else wanted.user or "")
    finally:
        os.close(root_fd)
    with disk.reported("preparing the run", store.path):
        run = create_run(store, options.name, keep=options.keep, record=_record(image, argv))
        try:
            hostname = options.hostname or _hostname_of(run)
            spec = LaunchSpec(
                root=snapshotter.run_root(tree, run),
                mounts=run_mounts(run, hostname, options.volumes, read_only=options.read_only),
                argv=argv,
                env=config.build_env(
                    wanted, options.env, host_env, home=user.home, hostname=hostname, term=options.term
                ),
                cwd=cwd,
                user=user.credentials,
                hostname=hostname,
                read_only=options.read_only,
                strace=options.strace,
                verbose=options.verbose,
                engine=options.engine,
                keep_fds=[run.lock_fd],
            )
        except BaseException:
            run.release()
            run.discard()
            raise
    return PreparedRun(spec, run, store)


def _record(image: StoredImage, argv: list[str]) -> RunRecord:
    chain = chain_id(image.config.diff_ids)
    return RunRecord(image=image.name, manifest=image.descriptor.digest, chain=chain, argv=tuple(argv))


def _hostname_of(run: Run) -> str:
    """The run's ID, as podman and docker do; a --name may be no host name."""
    name = run.id.replace("_", "-")[:64].strip("-.")
    return name or "elfuse"


def prepare_program(
    program: str,
    args: list[str],
    *,
    sysroot: str | None,
    env: list[str],
    workdir: str | None,
    user: str | None,
    volumes: list[str],
    strace: bool,
    verbose: bool,
    engine: str,
    host_env: Mapping[str, str],
) -> LaunchSpec:
    """A program outside any image: on the host's own tree, or in `sysroot`, which is used as it lies."""
    root = os.path.realpath(sysroot or "/")
    if not os.path.isdir(root):
        raise RunError(f"the sysroot {sysroot} is not a directory")
    if workdir is not None and not workdir.startswith("/"):
        raise RunError(f"the working directory {workdir!r} is not an absolute path")
    merged = dict(host_env)
    config.apply_env_options(merged, env, host_env)
    return LaunchSpec(
        root={"type": "plain", "path": root},
        mounts=[*BASE_MOUNTS, *map(parse_volume, volumes)],
        argv=[program, *args],
        env=[f"{key}={value}" for key, value in merged.items()],
        cwd=workdir or ("/" if sysroot else os.getcwd()),
        user=_program_user(root, user),
        hostname=os.uname().nodename[:64],
        strace=strace,
        verbose=verbose,
        engine=engine,
    )


def _program_user(root: str, user: str | None) -> User:
    if user is None:
        return User(os.getuid(), os.getgid(), sorted(os.getgroups()))
    root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return resolve_user(root_fd, user).credentials
    finally:
        os.close(root_fd)
