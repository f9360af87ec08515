"""`elfuse oci inspect`: what the store knows of an image."""

import json

import click

from elfuse.api.inspecting import ImageDetails
from elfuse.cli import options
from elfuse.cli.output import Document, Output, Part, human_size, print_bytes, print_json


class LayerPart(Part, frozen=True, kw_only=True):
    digest: str
    diff_id: str
    size: int
    media_type: str


class InspectDocument(Document, frozen=True, kw_only=True):
    """An image of the store."""

    reference: str
    digest: str
    media_type: str
    index: str | None
    image_id: str
    chain_id: str
    platform: str
    created: str | None
    user: str
    working_dir: str
    env: list[str]
    entrypoint: list[str]
    cmd: list[str]
    labels: dict[str, str]
    layers: list[LayerPart]
    unpacked: bool


@click.command()
@click.option("--raw", is_flag=True, help="Print the manifest, byte for byte.")
@click.option("--config", "config", is_flag=True, help="Print the config; with --raw, byte for byte.")
@options.store
@options.output
@click.argument("image")
def inspect(raw: bool, config: bool, store: str | None, output: Output, image: str) -> None:
    """Show an image of the store.

    \b
    Example:
        elfuse oci inspect --json debian:trixie-slim
    """
    import elfuse

    details = elfuse.inspect(image, store=store)
    if config and raw:
        print_bytes(details.raw_config)
    elif config:
        print_json(json.loads(details.raw_config))
    elif raw:
        print_bytes(details.raw_manifest)
    elif output.as_json:
        output.document(_document(details))
    else:
        output.fields(_rows(details))


def _document(details: ImageDetails) -> InspectDocument:
    return InspectDocument(
        reference=details.reference,
        digest=details.digest,
        media_type=details.media_type,
        index=details.index,
        image_id=details.config_digest,
        chain_id=details.chain_id,
        platform=details.platform,
        created=details.created,
        user=details.user,
        working_dir=details.working_dir,
        env=details.env,
        entrypoint=details.entrypoint,
        cmd=details.cmd,
        labels=details.labels,
        layers=[
            LayerPart(
                digest=layer.digest, diff_id=layer.diff_id, size=layer.size, media_type=layer.media_type
            )
            for layer in details.layers
        ],
        unpacked=details.unpacked,
    )


def _rows(details: ImageDetails) -> list[tuple[str, str]]:
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
    return rows
