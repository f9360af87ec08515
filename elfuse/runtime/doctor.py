"""What runs guests on this machine, and why."""

import os
import platform
import subprocess
from dataclasses import dataclass

from elfuse import translations
from elfuse.errors import RunError
from elfuse.oci.layout import default_path
from elfuse.runtime.process import launcher

# What the translator makes use of, by the names that Linux has for it in /proc/cpuinfo.
_FEATURES = ("avx", "avx2", "bmi2", "fma", "abm", "aes", "pclmulqdq", "sha_ni", "f16c")


@dataclass(frozen=True)
class Examination:
    engine: str  # "jit" or "interp"
    reason: str
    host: str
    cpu_features: list[str]
    store: str
    translations: str | None


def examine() -> Examination:
    """Raises RunError when the launcher cannot be started."""
    command = [launcher(), "--engine"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise RunError(f"the launcher cannot be started: {error}", hint="install elfuse again") from error
    engine, _, reason = done.stdout.strip().partition(": ")
    system = os.uname()
    return Examination(
        engine=engine,
        reason=reason,
        host=f"{system.sysname} {system.release} {platform.machine()}",
        cpu_features=[name for name in _FEATURES if name in _cpu_flags()],
        store=os.environ.get("ELFUSE_STORE") or default_path(),
        translations=translations.directory(),
    )


def _cpu_flags() -> set[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as text:
            line = next((line for line in text if line.startswith("flags")), "")
    except OSError:
        return set()
    return set(line.partition(":")[2].split())
