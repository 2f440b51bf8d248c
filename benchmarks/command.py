"""What the commands of the benchmarks share."""

from __future__ import annotations

import sys
from collections.abc import Callable

from multimodal.errors import MultimodalError


def printed(table: Callable[[], str]) -> int:
    """Prints what ``table`` makes, or the error it raises; the exit code: 0 when done, 2 for bad usage or input."""
    try:
        print(table())
    except MultimodalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
