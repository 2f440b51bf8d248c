"""HTML in which everything is escaped that is not HTML by its type."""

from __future__ import annotations

import re
from html import escape

_CODE = re.compile(r"``(.+?)``|`(.+?)`")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *inside: str, **attributes: str) -> Markup:
    """An element; what stands inside is escaped unless it is markup, attributes always.

    Args:
        attributes: ``class_`` stands for class, ``aria_label`` for aria-label.
    """
    told = "".join(f' {key.strip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Markup(f"<{name}{told}>{joined(*inside)}</{name}>")


def joined(*parts: str) -> Markup:
    """Parts one after the other, escaped where they are no markup."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def prose(text: str) -> Markup:
    """Paragraphs, with what stands in backticks as code."""
    return joined(*(tag("p", inline(part)) for part in re.split(r"\n\s*\n", text.strip()) if part))


def inline(text: str) -> Markup:
    """A text without paragraphs, with what stands in backticks as code."""
    found, end = [], 0
    for match in _CODE.finditer(text):
        found += [text[end : match.start()], tag("code", match[1] or match[2])]
        end = match.end()
    return joined(*found, text[end:])
