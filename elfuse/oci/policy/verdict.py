"""What a policy says of an image: which rule decides, and how the image fares under it."""

from dataclasses import dataclass

from elfuse.oci.digest import Digest
from elfuse.oci.policy.document import BUILT_IN, Document, Rules
from elfuse.oci.policy.scopes import Identity, identity_of
from elfuse.oci.reference import ImageSource


@dataclass(frozen=True, slots=True)
class Explanation:
    """The rule that decides about an image, whatever its signatures."""

    image: str
    file: str | None  # None: the built-in policy
    transport: str
    scope: str | None  # the policy's scope that matched; None: its `default`
    looked_for: tuple[str, ...]  # scopes, in order
    requirements: Rules

    @property
    def rule(self) -> str:
        """Where the rule is, in the document's own terms."""
        if self.scope is None:
            return "default"
        return f'{self.transport} "{self.scope}"'

    @property
    def policy(self) -> str:
        return self.file or BUILT_IN


@dataclass(frozen=True, slots=True)
class Outcome:
    """One requirement and whether the image satisfies it. `cause` says why, or why not."""

    requirement: str
    allowed: bool
    cause: str


@dataclass(frozen=True, slots=True)
class Verdict:
    explanation: Explanation
    digest: Digest  # of the manifest that was judged
    outcomes: tuple[Outcome, ...]

    @property
    def allowed(self) -> bool:
        """Whether all requirements are satisfied; there is always at least one."""
        return bool(self.outcomes) and all(outcome.allowed for outcome in self.outcomes)

    @property
    def refusal(self) -> str:
        """One line: image, file, rule, the first requirement that fails, and the cause."""
        failed = next((outcome for outcome in self.outcomes if not outcome.allowed), None)
        if failed is None:
            return ""
        found = self.explanation
        where = f"{found.policy}, {found.rule}"
        return f"{found.image} is refused by the policy ({where}): {failed.requirement}: {failed.cause}"


def explain(document: Document, source: ImageSource) -> Explanation:
    identity = identity_of(source)
    scope, requirements = _rule(document, identity)
    looked_for = (*identity.scopes, "")
    return Explanation(str(source), document.file, identity.transport, scope, looked_for, requirements)


def _rule(document: Document, identity: Identity) -> tuple[str | None, Rules]:
    scopes = document.transports.get(identity.transport, {})
    for scope in (*identity.scopes, ""):
        if scope in scopes:
            return scope, scopes[scope]
    return None, document.default
