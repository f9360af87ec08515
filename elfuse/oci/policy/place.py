"""Where policy.json is looked for. A pull without one loads nothing else of this package."""

import os

VARIABLE = "ELFUSE_POLICY_FILE"
USER_FILE = "~/.config/containers/policy.json"
SYSTEM_FILE = "/etc/containers/policy.json"


def candidates(system: str = SYSTEM_FILE) -> list[str]:
    """The files to look at when none was named, in order."""
    return [os.path.expanduser(USER_FILE), system]


def may_exist() -> bool:
    """Whether a policy may be in force. True also for what cannot be looked at: that is an error to tell."""
    if os.environ.get(VARIABLE):
        return True
    for path in candidates():
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            pass
        return True
    return False
