"""Heap: one for all threads. glibc gives each thread its own, and keeps in each what an engine allocated there.

For MobileNetV2 in ONNX Runtime that is 9 MB for each thread (of 125; x86-64), which a small board has better uses for.
"""

from __future__ import annotations

import contextlib

_M_ARENA_MAX = -8  # glibc's malloc.h


def share() -> None:
    """From now on new threads allocate from the heap of the program; nothing happens where the C library is no glibc."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
