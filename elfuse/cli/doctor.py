"""`elfuse doctor`: what runs guests here, and why."""

import click

from elfuse.cli import options
from elfuse.cli.output import Document, Output, Part


class CheckPart(Part, frozen=True, kw_only=True):
    """One thing that was looked at; `remedy` says how to get what is missing."""

    name: str
    ok: bool
    detail: str
    remedy: str


class DoctorDocument(Document, frozen=True, kw_only=True):
    engine: str
    reason: str
    host: str
    cpu_features: list[str]
    store: str
    translations: str | None
    checks: list[CheckPart]


@click.command()
@options.store
@options.output
def doctor(store: str | None, output: Output) -> None:
    """Say which engine runs arm64 code on this machine and why, where elfuse keeps things, and what is
    missing.

    Nothing that is missing keeps elfuse from running; each line says what it costs and how to get it.

    \b
    Example:
        elfuse doctor
    """
    from elfuse.runtime.doctor import examine

    found = examine(store)
    if output.as_json:
        output.document(
            DoctorDocument(
                engine=found.engine,
                reason=found.reason,
                host=found.host,
                cpu_features=found.cpu_features,
                store=found.store,
                translations=found.translations,
                checks=[
                    CheckPart(name=check.name, ok=check.ok, detail=check.detail, remedy=check.remedy)
                    for check in found.checks
                ],
            )
        )
        return
    output.fields(
        [
            ("Engine", f"{found.engine} ({found.reason})"),
            ("Host", found.host),
            ("CPU has", " ".join(found.cpu_features) or "nothing of use"),
            ("Store", found.store),
            ("Code cache", found.translations or "not kept"),
        ]
    )
    print()
    output.table(
        ("check", "state", "detail"),
        [
            (
                check.name,
                "ok" if check.ok else "missing",
                check.detail + (f"; {check.remedy}" if check.remedy else ""),
            )
            for check in found.checks
        ],
    )
