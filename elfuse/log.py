"""Warnings: what went wrong, though the work goes on. They go to the logger `elfuse` of the standard library.

Without a configuration of logging they appear on standard error, a line each.
"""


def warn(message: str) -> None:
    import logging  # a run of a present image does not pay for it

    line = "".join(c if c.isprintable() else "?" for c in message)
    logging.getLogger("elfuse").warning("%s", line)
