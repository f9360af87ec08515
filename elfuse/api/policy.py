"""The signature policy: what it says, and what it says of an image."""

from typing import Self

import msgspec

from elfuse.oci.access import AccessOptions
from elfuse.oci.image import GUEST_PLATFORM, parse_platform
from elfuse.oci.policy import gate
from elfuse.oci.policy.registries_d import load_registries
from elfuse.oci.policy.requirements import SignedBy, SigstoreSigned
from elfuse.oci.policy.scopes import digested, identity_of
from elfuse.oci.reference import Reference
from elfuse.oci.short_names import resolve


class PolicyRule(msgspec.Struct, frozen=True):
    """What the images of one scope must satisfy: all of the requirements."""

    transport: str | None  # None: the document's default
    scope: str
    requirements: list[str]


class PolicyExplanation(msgspec.Struct, frozen=True):
    """The rule that decides about an image, and where its signatures would be looked for."""

    image: str
    file: str | None  # None: the built-in policy
    rule: str
    looked_for: list[str]  # scopes, most specific first
    requirements: list[str]
    lookaside: str | None  # None where no signature is asked for, or the transport has none
    attachments: bool  # whether cosign's signatures in the registry are looked for


class PolicyOutcome(msgspec.Struct, frozen=True):
    requirement: str
    allowed: bool
    cause: str


class PolicyVerdict(msgspec.Struct, frozen=True):
    image: str
    digest: str  # of the manifest that was judged
    file: str | None
    rule: str
    allowed: bool
    outcomes: list[PolicyOutcome]


class Policy:
    """containers-policy.json(5) as podman and skopeo read it.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    ...     _ = file.write('{"default": [{"type": "reject"}]}')
    ...     file.flush()
    ...     Policy.load(file.name).explain("busybox").requirements
    ['reject']
    """

    def __init__(self, policy: gate.Policy, registries_d: str | None = None) -> None:
        self._policy = policy
        self._registries_d = registries_d

    @classmethod
    def load(cls, path: str | None = None, *, registries_d: str | None = None) -> Self:
        """The policy in the file `path`, else the one that is in force. Raises PolicyError.

        That is $ELFUSE_POLICY_FILE, else the user's, else the system's, else one that accepts everything.
        """
        return cls(gate.Policy.load(path), registries_d)

    @property
    def file(self) -> str | None:
        """Where it was read from; None for the built-in policy."""
        return self._policy.document.file

    @property
    def rules(self) -> list[PolicyRule]:
        """The default first, then the scopes of each transport as they stand in the file."""
        document = self._policy.document
        rules = [PolicyRule(None, "", [str(one) for one in document.default])]
        for transport, scopes in document.transports.items():
            rules += [
                PolicyRule(transport, scope, [str(one) for one in requirements])
                for scope, requirements in scopes.items()
            ]
        return rules

    def explain(self, image: str) -> PolicyExplanation:
        """Which rule decides about `image`, and why. Asks no registry."""
        source = resolve(image).source
        found = self._policy.explain(source)
        lookaside, attachments = None, False
        wanted = any(isinstance(one, SignedBy | SigstoreSigned) for one in found.requirements)
        if wanted and isinstance(source, Reference):
            registries = load_registries(self._registries_d)
            lookaside = registries.lookaside(digested(source))
            attachments = registries.uses_attachments(digested(source))
        return PolicyExplanation(
            image=found.image,
            file=found.file,
            rule=found.rule,
            looked_for=[f'{identity_of(source).transport} "{scope}"' for scope in found.looked_for],
            requirements=[str(one) for one in found.requirements],
            lookaside=lookaside,
            attachments=attachments,
        )

    def check(
        self, image: str, *, platform: str | None = None, access: AccessOptions | None = None
    ) -> PolicyVerdict:
        """What a pull of `image` would be told: its manifest and signatures are fetched and judged.

        Raises ElfuseError when the image cannot be had; a refusal is a verdict.
        """
        from elfuse.oci.policy.judge import judge

        verdict = judge(
            self._policy,
            resolve(image).source,
            platform=parse_platform(platform) if platform is not None else GUEST_PLATFORM,
            access=access or AccessOptions(),
            registries_d=self._registries_d,
        )
        return PolicyVerdict(
            image=verdict.explanation.image,
            digest=verdict.digest,
            file=verdict.explanation.file,
            rule=verdict.explanation.rule,
            allowed=verdict.allowed,
            outcomes=[PolicyOutcome(one.requirement, one.allowed, one.cause) for one in verdict.outcomes],
        )
