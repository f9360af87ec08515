"""The library's warnings (elfuse.log) as lines of the command."""


def show() -> None:
    """Print them on standard error as errors are printed. Called by commands that talk to registries."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("elfuse: warning: %(message)s"))
    logging.getLogger("elfuse").addHandler(handler)
