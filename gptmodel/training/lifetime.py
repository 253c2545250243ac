"""A process that ends when the one that started it is gone, however that went."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None) -> None:
    """Let the kernel end this process as soon as its parent ends, by SIGKILL even.

    It holds on Linux; elsewhere a process is ended by its parent's own clearing up alone.

    Args:
        parent: Process that should be the parent; None: whichever is. Where it is gone already, this process exits.
    """
    before = parent or os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != before:  # it ended before the kernel was asked
        os._exit(1)
