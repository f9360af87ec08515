"""Texts of strangers (names, labels, messages of registries), which must not drive a terminal."""


def printable(text: str) -> str:
    """On one line, with ? for what is no printable character."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
