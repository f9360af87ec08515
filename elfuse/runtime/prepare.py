"""Options in, launch spec out."""

import contextlib
import os
from collections.abc import Mapping, Sequence

import msgspec

from elfuse.errors import RunError
from elfuse.oci import disk
from elfuse.oci.digest import chain_id
from elfuse.oci.image import RunConfig
from elfuse.oci.layout import Store
from elfuse.oci.runs import Run, RunRecord, check_name, create_run
from elfuse.oci.snapshot.choice import choose
from elfuse.oci.stored import StoredImage
from elfuse.runtime import config
from elfuse.runtime.env_file import read_env_files
from elfuse.runtime.hosts import HostEntry, parse_add_host
from elfuse.runtime.limits import Rlimit, parse_ulimits
from elfuse.runtime.mounts import bind, run_mounts
from elfuse.runtime.spec import BASE_MOUNTS, LaunchSpec, User
from elfuse.runtime.users import resolve_user
from elfuse.runtime.volumes import UserMount, plan_mounts


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a user may say about a run, in podman's words; None leaves it to the image."""

    args: Sequence[str] = ()
    entrypoint: list[str] | None = None
    env: Sequence[str] = ()
    env_files: Sequence[str] = ()
    workdir: str | None = None
    user: str | None = None
    volumes: Sequence[str] = ()
    mounts: Sequence[str] = ()
    tmpfs: Sequence[str] = ()
    hostname: str | None = None
    add_hosts: Sequence[str] = ()
    ulimits: Sequence[str] = ()
    name: str | None = None
    keep: bool = False
    cidfile: str | None = None
    init: bool = False
    read_only: bool = False
    strace: bool = False
    verbose: bool = False
    engine: str = "auto"
    term: str | None = None


class RunPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Options that have been checked, as far as that goes without the image."""

    options: RunOptions
    env: list[str]
    mounts: list[UserMount]
    rlimits: list[Rlimit]
    hosts: list[HostEntry]

    @property
    def notes(self) -> list[str]:
        """What was asked for and is not kept, a line each."""
        return [
            f"the tmpfs {mount.target} is a directory of the run: {', '.join(mount.unkept)} is not enforced"
            for mount in self.mounts
            if mount.unkept
        ]


class PreparedRun(msgspec.Struct, frozen=True):
    """A run that only needs starting. `abandon` gives its directory back."""

    spec: LaunchSpec
    run: Run
    store: Store
    cidfile: str | None = None

    def abandon(self) -> None:
        if self.cidfile is not None:
            with contextlib.suppress(OSError):
                os.unlink(self.cidfile)
        self.run.release()
        self.run.discard()


def plan_run(options: RunOptions) -> RunPlan:
    """Check options before an image is pulled or anything made. Reads --env-file. Raises RunError."""
    if options.hostname is not None:
        config.check_hostname(options.hostname)
    if options.name is not None:
        check_name(options.name)
    if options.workdir is not None:
        config.working_directory(RunConfig(), options.workdir)
    if options.cidfile is not None and os.path.lexists(options.cidfile):
        raise _cidfile_exists(options.cidfile)
    env = [*read_env_files(options.env_files), *options.env]
    config.apply_env_options({}, env, {})
    return RunPlan(
        options=options,
        env=env,
        mounts=plan_mounts(options.volumes, options.mounts, options.tmpfs),
        rlimits=parse_ulimits(options.ulimits),
        hosts=[parse_add_host(text) for text in options.add_hosts],
    )


def prepare_run(store: Store, image: StoredImage, plan: RunPlan, host_env: Mapping[str, str]) -> PreparedRun:
    """Unpack what is not unpacked, resolve everything against the image, and claim a run directory."""
    # No prune takes the image's tree before the run's directory, which names it, is there.
    with disk.reported("preparing the run", store.path), store.activity():
        return _prepare_run(store, image, plan, host_env)


def _prepare_run(store: Store, image: StoredImage, plan: RunPlan, host_env: Mapping[str, str]) -> PreparedRun:
    wanted, options = image.config.run, plan.options
    argv = config.build_argv(wanted, options.entrypoint, options.args)
    cwd = config.working_directory(wanted, options.workdir)
    snapshotter = choose(store).snapshotter
    lower = snapshotter.prepare(store, image)
    root_fd = os.open(lower[0], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        user = resolve_user(root_fd, options.user if options.user is not None else wanted.user or "")
    finally:
        os.close(root_fd)
    with disk.reported("preparing the run", store.path):
        run = create_run(store, options.name, keep=options.keep, record=_record(image, argv))
        try:
            hostname = options.hostname or _hostname_of(run)
            spec = LaunchSpec(
                root=snapshotter.run_root(lower, run, keep=options.keep),
                mounts=run_mounts(run, hostname, plan.mounts, read_only=options.read_only, hosts=plan.hosts),
                argv=argv,
                env=config.build_env(
                    wanted, plan.env, host_env, home=user.home, hostname=hostname, term=options.term
                ),
                cwd=cwd,
                user=user.credentials,
                hostname=hostname,
                read_only=options.read_only,
                rlimits=plan.rlimits,
                init=options.init,
                strace=options.strace,
                verbose=options.verbose,
                engine=options.engine,
                keep_fds=[run.lock_fd],
            )
            if options.cidfile is not None:
                _write_cidfile(options.cidfile, run.id)
        except BaseException:
            run.release()
            run.discard()
            raise
    return PreparedRun(spec, run, store, options.cidfile)


def _write_cidfile(path: str, run_id: str) -> None:
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(run_id)
    except FileExistsError:
        raise _cidfile_exists(path) from None
    except OSError as error:
        raise RunError(f"cannot write the ID file {path}: {error.strerror}") from None


def _cidfile_exists(path: str) -> RunError:
    return RunError(f"the ID file {path} exists", hint="another run may be using it; remove it if none is")


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
        mounts=[*BASE_MOUNTS, *map(bind, plan_mounts(volumes))],
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
