"""Cleaning the store off the user's time."""

import contextlib
import os
import sys
from typing import NoReturn

from elfuse.oci.layout import Store


def sweep_later(store: Store) -> None:
    """Remove what ended runs left, in a process of its own that nobody waits for.

    It is forked twice, so that it is no child of the guest that this process becomes, and lets go of
    every descriptor, so that a pipe's reader does not wait for it.
    """
    if not store.needs_sweep():
        return
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            _sweep(store)
    finally:
        os._exit(0)


def sweep_now(path: str) -> NoReturn:
    """For the native front, which has let go of everything already."""
    with contextlib.suppress(Exception):
        Store.open(path).sweep()
    sys.exit(0)


def _sweep(store: Store) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.closerange(3, 4096)
    with contextlib.suppress(Exception):
        os.nice(10)
        store.sweep()
