"""`elfuse doctor`: what runs guests here, and why."""

import click

from elfuse.cli import options
from elfuse.cli.output import Document, Output


class DoctorDocument(Document, frozen=True, kw_only=True):
    engine: str
    reason: str
    host: str
    cpu_features: list[str]
    store: str
    translations: str | None


@click.command()
@options.output
def doctor(output: Output) -> None:
    """Say which engine runs arm64 code on this machine and why, and where elfuse keeps things.

    \b
    Example:
        elfuse doctor
    """
    from elfuse.runtime.doctor import examine

    found = examine()
    if output.as_json:
        output.document(
            DoctorDocument(
                engine=found.engine,
                reason=found.reason,
                host=found.host,
                cpu_features=found.cpu_features,
                store=found.store,
                translations=found.translations,
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
