"""Keeps the garbage collector from what lives as long as the service.

A full collection walks all objects, some 80,000 once the libraries and a bundle are loaded: 50 milliseconds in which
nothing is answered. Frozen objects are not walked (as Instagram does before it forks: "Copy-on-write friendly Python
garbage collection", 2017). What is no longer used is freed all the same by its reference count, unless it is part of a
cycle; a bundle has none.
"""

from __future__ import annotations

import gc


def settle() -> None:
    """Collects what is left over and exempts what stays, beside what already is."""
    gc.collect()
    gc.freeze()
