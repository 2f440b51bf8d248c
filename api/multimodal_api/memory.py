"""Memory of a process that lives for months: what stays is not walked, what was large is given back."""

from __future__ import annotations

import ctypes
import gc
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""The parameters' numbers in glibc's malloc.h."""
_LARGE_BYTES, _SPARE_BYTES = 1_000_000, 32_000_000


def settle() -> None:
    """Collects what is left over and exempts what stays, beside what already is.

    A full collection walks all objects, some 80,000 once the libraries and a bundle are loaded: 50 milliseconds
    in which nothing is answered. Frozen objects are not walked (as Instagram does before it forks: "Copy-on-write
    friendly Python garbage collection", 2017). What is no longer used is freed all the same by its reference
    count, unless it is part of a cycle; a bundle has none.
    """
    gc.collect()
    gc.freeze()


def give_back_large() -> None:
    """Has freed blocks of 1 MB and more leave the process, as those of large photos do; only glibc needs telling.

    By itself glibc raises its threshold with the first large block that is freed, and from then on every thread
    keeps the memory of the largest photo that it has seen (mallopt(3), M_MMAP_THRESHOLD). Of smaller blocks 32 MB
    are kept for the next request, which would ask the kernel for the same pages again.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _SPARE_BYTES)
