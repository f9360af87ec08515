"""Where policy.json is looked for. A pull without one loads nothing else of this package."""

import os

from elfuse.config_files import may_exist

VARIABLE = "ELFUSE_POLICY_FILE"
USER_FILE = "~/.config/containers/policy.json"
SYSTEM_FILE = "/etc/containers/policy.json"


def candidates(system: str = SYSTEM_FILE) -> list[str]:
    """The files to look at when none was named, in order."""
    return [os.path.expanduser(USER_FILE), system]


def looked_at() -> list[str]:
    """The files whose being there, or not, says which policy is in force."""
    chosen = os.environ.get(VARIABLE)
    return [os.path.abspath(chosen)] if chosen else candidates()


def is_in_force() -> bool:
    """Whether there may be a policy. True also for what cannot be looked at: that is an error to tell."""
    return bool(os.environ.get(VARIABLE)) or may_exist(*candidates())
