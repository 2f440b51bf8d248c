"""Files that a path with wildcards stands for."""

from __future__ import annotations

import glob


def matching(path: str) -> list[str]:
    """The files there are that a path matches as a pattern, sorted; ``**`` goes through folders."""
    return sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - Path's takes no absolute one
