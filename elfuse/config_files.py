"""Where config.toml is looked for. A command that finds none loads nothing that could read it."""

import os
import sys

VARIABLE = "ELFUSE_CONFIG"
SYSTEM_FILE = "/etc/elfuse/config.toml"


def user_file() -> str:
    """The user's config.toml. On Linux this is platformdirs' answer, without its import of 30 ms."""
    if sys.platform == "linux":
        base = os.environ.get("XDG_CONFIG_HOME", "").strip() or os.path.expanduser("~/.config")
        return os.path.join(base, "elfuse", "config.toml")
    from platformdirs import user_config_dir

    return os.path.join(user_config_dir("elfuse"), "config.toml")


def looked_at() -> list[str]:
    """The files that `config.load` reads, of which none need be there."""
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return [os.path.abspath(chosen)] if chosen else []
    return [user_file(), SYSTEM_FILE]


def any_exists() -> bool:
    """Whether there may be settings. True also for a file that cannot be looked at, which is an error."""
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return bool(chosen)
    return may_exist(user_file(), SYSTEM_FILE)


def may_exist(*paths: str) -> bool:
    """Whether one of the files is there, or cannot be looked at."""
    for path in paths:
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            pass
        return True
    return False
