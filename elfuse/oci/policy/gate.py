"""The gate that an image passes before any of its blobs is used.

As in containers/image, what is judged is the manifest that will be used: of a multi-platform image the
platform's own manifest, under the name that the user gave. The index above it is not judged; its digest,
when the user named one, is checked by the pull. An image that is in the store is not judged again.
"""

from dataclasses import dataclass

from elfuse.errors import PolicyError
from elfuse.oci.digest import digest_of
from elfuse.oci.policy import verdict
from elfuse.oci.policy.checks import Subject, outcome_of
from elfuse.oci.policy.document import Document, load
from elfuse.oci.policy.scopes import identity_of
from elfuse.oci.policy.signature import Signature, SignatureSource
from elfuse.oci.policy.verdict import Explanation, Verdict
from elfuse.oci.reference import ImageSource


@dataclass(frozen=True, slots=True)
class Policy:
    document: Document

    @classmethod
    def load(cls, path: str | None = None) -> "Policy":
        """The policy of `path`, else the one that is in force. Raises PolicyError."""
        return cls(load(path))

    def explain(self, source: ImageSource) -> Explanation:
        """Which rule decides about `source`. Looks at no signature."""
        return verdict.explain(self.document, source)

    def check(self, source: ImageSource, manifest: bytes, signatures: SignatureSource) -> Verdict:
        """Judge the image `source` whose manifest is `manifest`. Every failure is a refusal, none raises."""
        explanation = self.explain(source)
        digest = digest_of(manifest)
        fetched: list[list[Signature]] = []

        def all_signatures() -> list[Signature]:
            if not fetched:
                fetched.append(signatures.signatures(digest))
            return fetched[0]

        subject = Subject(manifest, identity_of(source).docker_reference, all_signatures)
        outcomes = tuple(outcome_of(requirement, subject) for requirement in explanation.requirements)
        return Verdict(explanation, digest, outcomes)

    def require_allowed(self, source: ImageSource, manifest: bytes, signatures: SignatureSource) -> Verdict:
        """Raises PolicyError unless the image is allowed."""
        found = self.check(source, manifest, signatures)
        if not found.allowed:
            raise PolicyError(
                found.refusal, hint=f"see which rule decides with: elfuse oci policy explain {source}"
            )
        return found


def require_allowed(source: ImageSource, manifest: bytes, signatures: SignatureSource) -> Verdict:
    """Judge by the policy that is in force. Raises PolicyError."""
    return Policy.load().require_allowed(source, manifest, signatures)
