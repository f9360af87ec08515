"""The one exception tree. Each error is one line: the object, the cause, and, as `hint`, what to do."""


class ElfuseError(Exception):
    """Base of all errors that elfuse raises on purpose."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class InvalidReference(ElfuseError):
    """A text that is no image reference."""


class ImageNotFound(ElfuseError):
    """The registry, the layout or the store has no such image."""


class PlatformNotFound(ElfuseError):
    """The image exists, but not for the platform asked for."""


class InvalidImage(ElfuseError):
    """A manifest, an index or a config that is malformed, ambiguous or of an unsupported kind."""


class ContentMismatch(ElfuseError):
    """Bytes that are not what their descriptor says: wrong digest or wrong size."""


class BlobMissing(ContentMismatch):
    """A manifest names a blob that is not where the manifest came from."""


class RegistryError(ElfuseError):
    """The registry answered with something other than what was asked for."""

    def __init__(self, message: str, *, hint: str | None = None, status: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class AuthenticationError(RegistryError):
    """The registry wants a login, or its token service cannot be trusted."""


class NetworkError(RegistryError):
    """The registry could not be reached, or the connection broke."""


class StoreError(ElfuseError):
    """The store on disk cannot be used."""


class UnpackError(ElfuseError):
    """A layer could not be applied."""


class RunError(ElfuseError):
    """A run could not be prepared or started."""


class UserNotFound(RunError):
    """The user or group is not in the image's own passwd or group file."""
