"""Why a signature, or what is needed to check it, is not accepted."""


class Refused(Exception):
    """Never leaves the package: it becomes the cause of a verdict. `str()` is that cause, in one line."""
