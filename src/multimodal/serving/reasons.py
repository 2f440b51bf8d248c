"""What moved an answer, as people read it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from multimodal.types import TextEffect

_MOST_TIMES = 1000


def reasons(effects: Sequence[TextEffect]) -> str:
    """Each word with how many times higher it makes the category's odds, or lower."""
    return ", ".join(f"{e.text} ({'×' if e.effect >= 0 else '÷'}{_times(e.effect)})" for e in effects)


def _times(effect: float) -> str:
    if abs(effect) >= math.log(_MOST_TIMES):
        return f"over {_MOST_TIMES}"
    times = math.exp(abs(effect))
    return f"{times:.1f}" if times < 10 else f"{times:.0f}"
