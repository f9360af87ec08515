"""Results on standard output."""

import json
import sys
from typing import Any

from elfuse.api import ImageDetails
from elfuse.runtime.spec import LaunchSpec


def human_size(size: int) -> str:
    """Decimal units, as docker, podman and rich print sizes."""
    if size < 1000:
        return f"{size} B"
    value, units = size / 1000, ["kB", "MB", "GB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.1f} {units[0]}"


def print_bytes(data: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def print_json(document: Any) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    print_bytes(text.encode("utf-8", "surrogateescape"))


def print_spec(spec: LaunchSpec) -> None:
    print_json(spec.to_builtins())


def print_config(details: ImageDetails, *, raw: bool) -> None:
    if raw:
        print_bytes(details.raw_config)
    else:
        print_json(json.loads(details.raw_config))


def print_details(details: ImageDetails) -> None:
    rows: list[tuple[str, str]] = [
        ("Name", details.reference),
        ("Digest", details.digest),
        ("Index", details.index or "none"),
        ("Image ID", details.config_digest),
        ("Platform", details.platform),
        ("Created", details.created or "unknown"),
        ("Unpacked", "yes" if details.unpacked else "no"),
        ("User", details.user or "root"),
        ("WorkingDir", details.working_dir),
        ("Entrypoint", json.dumps(details.entrypoint)),
        ("Cmd", json.dumps(details.cmd)),
    ]
    rows.extend(("Env", entry) for entry in details.env)
    rows.extend(("Label", f"{key}={value}") for key, value in sorted(details.labels.items()))
    rows.extend(("Layer", f"{layer.digest} {human_size(layer.size)}") for layer in details.layers)
    print_rows(rows)


def print_rows(rows: list[tuple[str, str]]) -> None:
    for name, value in rows:
        # A label is a stranger's text: it must not drive the terminal.
        safe = "".join(c if c.isprintable() else "?" for c in value)
        print(f"{name + ':':<12}{safe}")
