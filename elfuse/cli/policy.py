"""`elfuse oci policy`: which images may be used here."""

from typing import TYPE_CHECKING

import click

from elfuse.cli import options, warnings
from elfuse.cli.main import EXIT_FAILURE
from elfuse.cli.output import Document, Output, Part

if TYPE_CHECKING:
    from elfuse.oci.access import AccessOptions

BUILT_IN = "built in: no policy.json exists, everything is accepted"

policy_file = click.option(
    "--policy", "path", metavar="FILE", help="The policy [default: the one that is in force]."
)
registries_d = click.option(
    "--registries.d",
    "registries_d",
    metavar="DIR",
    help="Where signatures are looked for [default: the user's registries.d, else the system's].",
)


@click.group()
def policy() -> None:
    """Say which images may be used here, and why.

    The policy is containers-policy.json(5), as podman and skopeo read it: $ELFUSE_POLICY_FILE, else
    ~/.config/containers/policy.json, else /etc/containers/policy.json. A pull that it refuses fails.
    """


class RulePart(Part, frozen=True, kw_only=True):
    """`transport` is null for the default of the whole policy."""

    transport: str | None
    scope: str
    requirements: list[str]


class PolicyShowDocument(Document, frozen=True, kw_only=True):
    """`file` is null for the built-in policy."""

    file: str | None
    rules: list[RulePart]


@policy.command()
@policy_file
@options.output
def show(path: str | None, output: Output) -> None:
    """Print the policy that is in force, and which file it is from.

    \b
    Example:
        elfuse oci policy show
    """
    import elfuse

    found = elfuse.Policy.load(path)
    if output.as_json:
        rules = [
            RulePart(transport=rule.transport, scope=rule.scope, requirements=rule.requirements)
            for rule in found.rules
        ]
        output.document(PolicyShowDocument(file=found.file, rules=rules))
        return
    output.fields([("Policy", found.file or BUILT_IN)])
    rows = [
        (rule.transport or "(default)", rule.scope or "(any)", requirement)
        for rule in found.rules
        for requirement in rule.requirements
    ]
    output.table(("transport", "scope", "requirement"), rows)


class OutcomePart(Part, frozen=True, kw_only=True):
    requirement: str
    allowed: bool
    cause: str


class PolicyCheckDocument(Document, frozen=True, kw_only=True):
    """The verdict about one image; `digest` is that of the manifest that was judged."""

    image: str
    digest: str
    file: str | None
    rule: str
    allowed: bool
    outcomes: list[OutcomePart]


@policy.command()
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="[default: linux/arm64]")
@policy_file
@registries_d
@options.registry_access
@options.output
@click.argument("image")
def check(
    platform: str | None,
    path: str | None,
    registries_d: str | None,
    access: "AccessOptions | None",
    output: Output,
    image: str,
) -> int:
    """Fetch an image's manifest and signatures and say whether the policy allows it. Exits 1 if not.

    \b
    Example:
        elfuse oci policy check registry.example.org/app:1
    """
    import elfuse

    warnings.show()
    loaded = elfuse.Policy.load(path, registries_d=registries_d)
    verdict = loaded.check(image, platform=platform, access=access)
    if output.as_json:
        output.document(
            PolicyCheckDocument(
                image=verdict.image,
                digest=verdict.digest,
                file=verdict.file,
                rule=verdict.rule,
                allowed=verdict.allowed,
                outcomes=[
                    OutcomePart(requirement=one.requirement, allowed=one.allowed, cause=one.cause)
                    for one in verdict.outcomes
                ],
            )
        )
    elif output.quiet:
        click.echo("allowed" if verdict.allowed else "refused")
    else:
        rows = [
            ("Image", verdict.image),
            ("Digest", verdict.digest),
            ("Policy", verdict.file or BUILT_IN),
            ("Rule", verdict.rule),
        ]
        for one in verdict.outcomes:
            rows.append(("Requirement", one.requirement))
            rows.append(("  Satisfied", f"{'yes' if one.allowed else 'no'}, {one.cause}"))
        rows.append(("Allowed", "yes" if verdict.allowed else "no"))
        output.fields(rows)
    return 0 if verdict.allowed else EXIT_FAILURE


class PolicyExplainDocument(Document, frozen=True, kw_only=True):
    """The rule that decides about an image. `lookaside` is null where no signature is looked for."""

    image: str
    file: str | None
    rule: str
    looked_for: list[str]
    requirements: list[str]
    lookaside: str | None
    attachments: bool


@policy.command()
@policy_file
@registries_d
@options.output
@click.argument("image")
def explain(path: str | None, registries_d: str | None, output: Output, image: str) -> None:
    """Say which file and which rule decide about an image, and why. Asks no registry.

    \b
    Example:
        elfuse oci policy explain registry.example.org/app:1
    """
    import elfuse

    found = elfuse.Policy.load(path, registries_d=registries_d).explain(image)
    if output.as_json:
        output.document(
            PolicyExplainDocument(
                image=found.image,
                file=found.file,
                rule=found.rule,
                looked_for=found.looked_for,
                requirements=found.requirements,
                lookaside=found.lookaside,
                attachments=found.attachments,
            )
        )
        return
    rows = [("Image", found.image), ("Policy", found.file or BUILT_IN), ("Rule", found.rule)]
    rows += [("Requirement", requirement) for requirement in found.requirements]
    rows += _reason(found.looked_for, found.rule)
    if found.lookaside is not None:
        rows.append(("Signatures", f"{found.lookaside}@sha256=.../signature-1, ..."))
        rows.append(("Attachments", "looked for" if found.attachments else "not looked for"))
    output.fields(rows)


def _reason(looked_for: list[str], rule: str) -> list[tuple[str, str]]:
    """Scope by scope, up to the one that the policy has."""
    rows = []
    for scope in looked_for:
        rows.append(("Looked for", f"{scope}: {'found, decides' if scope == rule else 'not in the policy'}"))
        if scope == rule:
            return rows
    return [*rows, ("Looked for", "default: decides")]
