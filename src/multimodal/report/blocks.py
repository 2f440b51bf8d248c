"""A page as a list of blocks, written as Markdown or as one HTML file that holds its pictures."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Heading:
    """``level`` 1 is the page's title."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; the columns from ``numbers`` on are set to the right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int = 1


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG and the words for those who do not see it."""

    file: Path
    alt: str


Block = Heading | Text | Table | Picture

_CSS = """
body{font:16px/1.55 system-ui,sans-serif;color:#22303c;max-width:1080px;margin:2.5rem auto;padding:0 1.25rem}
h1{font-size:1.7rem;line-height:1.25}
h2{font-size:1.2rem;margin-top:2.6rem;border-top:1px solid #d6dde3;padding-top:1.2rem}
p{max-width:46rem}img{max-width:100%;height:auto}.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.88rem;margin:.6rem 0 1.2rem}
th,td{padding:.3rem .8rem .3rem 0;border-bottom:1px solid #e8edf1;text-align:left;vertical-align:top}
th{color:#6b7a88;font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
"""


def to_markdown(blocks: Sequence[Block], folder: Path) -> str:
    """The page in Markdown; pictures by their place below ``folder``."""
    return "\n\n".join(_markdown(block, folder) for block in blocks) + "\n"


def to_html(blocks: Sequence[Block]) -> str:
    """The page as one file: styles and pictures are inside, nothing is fetched."""
    title = next((b.text for b in blocks if isinstance(b, Heading)), "Report")
    body = "\n".join(_html(block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">\n<style>{_CSS}</style></head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _markdown(block: Block, folder: Path) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_escaped(block.text)}"
    if isinstance(block, Text):
        return _escaped(block.text)
    if isinstance(block, Picture):
        return f"![{_escaped(block.alt)}]({block.file.relative_to(folder).as_posix()})"
    rule = [" --- " if i < block.numbers else " ---: " for i in range(len(block.header))]
    lines = [" | ".join(_escaped(cell) for cell in row) for row in (block.header, *block.rows)]
    return "\n".join([f"| {lines[0]} |", f"|{'|'.join(rule)}|", *(f"| {line} |" for line in lines[1:])])


def _escaped(text: str) -> str:
    """Titles come from anywhere: what Markdown would take for its own is kept from it."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", " ".join(text.split())).replace("<", "&lt;")


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        return f"<p>{html.escape(block.text)}</p>"
    if isinstance(block, Picture):
        data = base64.b64encode(block.file.read_bytes()).decode("ascii")
        return f'<p class="wide"><img alt="{html.escape(block.alt)}" src="data:image/png;base64,{data}"></p>'
    head = "".join(_cell("th", cell, i >= block.numbers) for i, cell in enumerate(block.header))
    rows = ("".join(_cell("td", cell, i >= block.numbers) for i, cell in enumerate(row)) for row in block.rows)
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(f"<tr>{row}</tr>" for row in rows)}</table></div>'


def _cell(tag: str, text: str, number: bool) -> str:
    return f"<{tag}{' class=n' if number else ''}>{html.escape(text)}</{tag}>"
