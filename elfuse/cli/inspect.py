"""`elfuse oci inspect`: what the store, or a registry, knows of an image."""

import json
from typing import TYPE_CHECKING

import click

from elfuse.cli import options, warnings
from elfuse.cli.output import Document, Output, Part, human_size, print_bytes, print_json

if TYPE_CHECKING:
    from elfuse.api.inspecting import ImageDetails, PlatformDetails, Reuse
    from elfuse.oci.access import AccessOptions


class LayerPart(Part, frozen=True, kw_only=True):
    digest: str
    diff_id: str
    size: int
    media_type: str


class PlatformPart(Part, frozen=True, kw_only=True):
    """A row of the index; layers and their size where the manifest was read."""

    platform: str | None
    digest: str
    media_type: str
    chosen: bool
    artifact: bool
    present: bool
    layers: int | None
    size: int | None


class ReusePart(Part, frozen=True, kw_only=True):
    """What the image has in common with the other images of the store.

    `layers` of `total` are in `images` others, too, `size` bytes of them; the lowest `depth` layers, whose
    ChainID is `chain`, are those of the image `neighbour` as well.
    """

    total: int
    compared: int
    layers: int
    images: int
    size: int
    depth: int
    chain: str | None
    neighbour: str | None
    unpacked: bool


class ReferrerPart(Part, frozen=True, kw_only=True):
    """A signature, an SBOM or the like."""

    digest: str
    media_type: str
    artifact_type: str
    size: int
    annotations: dict[str, str]


class InspectDocument(Document, frozen=True, kw_only=True):
    """An image. `platforms` has the rows of its index, `referrers` is null where no registry was asked."""

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
    size: int
    remote: bool
    platforms: list[PlatformPart]
    reuse: ReusePart | None
    referrers: list[ReferrerPart] | None


@click.command()
@click.option(
    "--raw", is_flag=True, help="Print the manifest, byte for byte; with --all-platforms the index."
)
@click.option("--config", "config", is_flag=True, help="Print the config; with --raw, byte for byte.")
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="Of an index, the image for that platform.")
@click.option("--all-platforms", is_flag=True, help="All rows of an index, attestations too, with sizes.")
@click.option("--remote", is_flag=True, help="Ask the registry, or look at the path, instead of the store.")
@options.registry_access
@options.store
@options.output
@click.argument("image")
def inspect(
    raw: bool,
    config: bool,
    platform: str | None,
    all_platforms: bool,
    remote: bool,
    access: "AccessOptions | None",
    store: str | None,
    output: Output,
    image: str,
) -> None:
    """Show an image of the store or, with --remote, where its name says it is.

    Without --remote no registry is asked; with it, no layer is fetched.

    \b
    Example:
        elfuse oci inspect --remote --all-platforms debian:trixie-slim
    """
    import elfuse

    if remote:
        warnings.show()
    details = elfuse.inspect(
        image, platform=platform, all_platforms=all_platforms, remote=remote, access=access, store=store
    )
    if config and raw:
        print_bytes(details.raw_config)
    elif config:
        print_json(json.loads(details.raw_config))
    elif raw:
        index = details.raw_index if all_platforms else None
        print_bytes(index if index is not None else details.raw_manifest)
    elif output.as_json:
        output.document(_document(details))
    else:
        _show(details, output, all_platforms)


def _document(details: "ImageDetails") -> InspectDocument:
    import msgspec

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
        layers=[LayerPart(**msgspec.structs.asdict(layer)) for layer in details.layers],
        unpacked=details.unpacked,
        size=details.size,
        remote=details.remote,
        platforms=[PlatformPart(**msgspec.structs.asdict(row)) for row in details.platforms],
        reuse=ReusePart(**msgspec.structs.asdict(details.reuse)) if details.reuse is not None else None,
        referrers=None
        if details.referrers is None
        else [ReferrerPart(**msgspec.structs.asdict(entry)) for entry in details.referrers],
    )


def _show(details: "ImageDetails", output: Output, all_platforms: bool) -> None:
    rows: list[tuple[str, str]] = [
        ("Name", details.reference),
        ("Digest", details.digest),
        ("Type", details.media_type),
        ("Index", details.index or "none"),
        ("Image ID", details.config_digest),
        ("Platform", details.platform),
        ("Created", details.created or "unknown"),
        ("Size", f"{human_size(details.size)} in {_count(len(details.layers), 'layer')}"),
        ("Unpacked", "yes" if details.unpacked else "no"),
        ("User", details.user or "root"),
        ("WorkingDir", details.working_dir),
        ("Entrypoint", json.dumps(details.entrypoint)),
        ("Cmd", json.dumps(details.cmd)),
    ]
    rows.extend(("Env", entry) for entry in details.env)
    rows.extend(("Label", f"{key}={value}") for key, value in sorted(details.labels.items()))
    rows.extend(("Layer", f"{layer.digest} {human_size(layer.size)}") for layer in details.layers)
    if details.reuse is not None:
        rows.extend(("Reuse", line) for line in _reuse(details.reuse))
    rows.extend(
        ("Referrer", f"{entry.digest} {entry.artifact_type or entry.media_type}")
        for entry in details.referrers or []
    )
    output.fields(rows)
    shown = [row for row in details.platforms if all_platforms or not row.artifact]
    if shown:
        print()
        columns, right = ["", "platform", "digest", "in store"], ["layers", "size"]
        if all_platforms:
            columns += right
        output.table(columns, [_cells(row)[: len(columns)] for row in shown], right=right)


def _cells(row: "PlatformDetails") -> list[str]:
    return [
        "*" if row.chosen else "",
        (row.platform or "unknown") + (" (attestation)" if row.artifact else ""),
        row.digest,
        "yes" if row.present else "no",
        "" if row.layers is None else str(row.layers),
        "" if row.size is None else human_size(row.size),
    ]


def _reuse(reuse: "Reuse") -> list[str]:
    """Blobs in common, then unpacked stacks in common."""
    if reuse.compared == 0:
        return ["no other image to compare with"]
    if reuse.layers == 0 and reuse.depth == 0:
        return [f"nothing of {_count(reuse.compared, 'other image')}"]
    lines = []
    if reuse.layers:
        shared = f"{reuse.layers} of {_count(reuse.total, 'layer')} ({human_size(reuse.size)})"
        lines.append(f"{shared} shared with {_count(reuse.images, 'other image')}")
    if reuse.depth:
        stack = f"the lowest {reuse.depth} of {_count(reuse.total, 'layer')} as a stack"
        lines.append(f"{stack} with {reuse.neighbour}" + (", unpacked" if reuse.unpacked else ""))
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
