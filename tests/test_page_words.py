"""The page's words for what the service tells: in both languages, and of what the service does tell."""

from __future__ import annotations

import re

import pytest

from api_support import ROOT

PAGE = ROOT / "api" / "multimodal_api" / "page"
SOURCES = "\n".join(
    file.read_text(encoding="utf-8") for folder in ("src", "api") for file in sorted((ROOT / folder).rglob("*.py"))
)


def _names(block: str) -> list[list[str]]:
    """The names in a block of words.js, of English and of Russian."""
    text = (PAGE / "words.js").read_text(encoding="utf-8")
    found = re.findall(rf"^    {block}: {{\n(.*?)^    }},", text, re.DOTALL | re.MULTILINE)
    return [re.findall(r'(\w+): "', inner) for inner in found]


@pytest.mark.parametrize("block", ["problems", "warnings"])
def test_both_languages_have_words_for_the_same(block: str) -> None:
    english, russian = _names(block)
    assert english == russian
    assert len(english) >= 8


def test_every_code_with_words_is_one_the_service_gives() -> None:
    for name in _names("problems")[0]:
        code = name.removesuffix("_text").removesuffix("_image")
        code = code if not code.endswith("_too_long") else "_too_long"
        assert f'"{code}"' in SOURCES or f'{code}"' in SOURCES, f"no such code is left: {code}"


def test_every_warning_with_words_starts_as_the_service_writes_it() -> None:
    told = (PAGE / "told.js").read_text(encoding="utf-8")
    kinds = re.findall(r'\["([^"]+)", "(\w+)"\]', told)
    assert [kind for _, kind in kinds] == _names("warnings")[0]
    for start, kind in kinds:
        written = start.rpartition(" ")[0] if kind.startswith("unread_") else start  # the last word is the input's name
        assert f'"{written}' in SOURCES, f"no warning starts so any more: {start}"
