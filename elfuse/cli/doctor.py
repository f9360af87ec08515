"""`elfuse doctor`: what runs guests here, and why."""

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool) -> None:
    """Say which engine runs arm64 code on this machine and why, and where elfuse keeps things."""
    from elfuse.cli import render
    from elfuse.runtime.doctor import examine

    found = examine()
    if as_json:
        render.print_json(
            {
                "schemaVersion": 1,
                "engine": found.engine,
                "reason": found.reason,
                "host": found.host,
                "cpuFeatures": found.cpu_features,
                "store": found.store,
                "translations": found.translations,
            }
        )
        return
    render.print_rows(
        [
            ("Engine", f"{found.engine} ({found.reason})"),
            ("Host", found.host),
            ("CPU has", " ".join(found.cpu_features) or "nothing of use"),
            ("Store", found.store),
            ("Code cache", found.translations or "not kept"),
        ]
    )
