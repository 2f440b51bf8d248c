"""How the plots look, and the one place that says which extra they need."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from multimodal.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, LINE = "#22303c", "#6b7a88", "#d6dde3"
RIGHT, WRONG = "#2f6db5", "#c8442f"
HEADS = {"fused": "#2f6db5", "text": "#d9822b", "image": "#3f8f62"}
BRANCHES = (
    "#2f6db5", "#d9822b", "#3f8f62", "#8a5fb0", "#c8442f", "#8c6d46", "#d06fa5", "#28a0a8", "#9aa02c", "#5b6770",
)  # fmt: skip
_DPI = 130


def require_matplotlib(feature: str = "A report with plots") -> None:
    """Raises MissingExtraError where matplotlib is not installed; asked before any work is done."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("report", feature=feature)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches; it belongs to no window and no global state."""
    require_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), facecolor="white")


def plain(axes: Axes, *, grid: bool = True) -> Axes:
    """Takes away what does not inform: top and right frame, dark ticks."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(LINE)
    axes.tick_params(colors=MUTED, labelsize=9)
    if grid:
        axes.grid(color=LINE, linewidth=0.6)
        axes.set_axisbelow(True)
    return axes


def titled(axes: Axes, title: str, x: str = "", y: str = "") -> None:
    """A title at the left, and what the axes show."""
    axes.set_title(title, loc="left", fontsize=11, color=INK, fontweight="bold")
    axes.set_xlabel(x, fontsize=9, color=MUTED)
    axes.set_ylabel(y, fontsize=9, color=MUTED)


def words(text: str, longest: int) -> str:
    """Text from the data as one line that any font can take: lone surrogates written out, what is too long cut."""
    line = " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def save(figure: Figure, file: Path) -> Path:
    """Writes a PNG without dates inside: the same figures give the same bytes. ``$`` in a name begins no formula."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    figure.savefig(file, dpi=_DPI, bbox_inches="tight", metadata={"Software": None})
    return file
