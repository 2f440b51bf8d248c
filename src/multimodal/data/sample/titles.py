"""Titles and characteristics as sellers write them, in Russian and in English."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from multimodal.data.sample.palette import COLOURS, inflect
from multimodal.data.sample.spec import Spec
from multimodal.data.sample.words import CUTS, GENDER_WORDS, MATERIALS, NOUNS, PATTERN_WORDS, SEASON_WORDS

Language = Literal["en", "ru"]


@dataclass(frozen=True, slots=True)
class Text:
    """What a seller wrote about one product; characteristics may be missing."""

    language: Language
    title: str
    characteristics: str | None


def write_text(spec: Spec, rng: Random, *, unique: bool = False) -> Text:
    """A title, and most of the time characteristics in the same language.

    Args:
        unique: the title must name the article, so that no other product has the same one.
    """
    language: Language = "ru" if rng.random() < 0.5 else "en"
    silent = rng.random() < 0.08
    if silent:
        title = _silent_title(spec, language, rng)
    else:
        title = _ru_title(spec, rng, unique) if language == "ru" else _en_title(spec, rng, unique)
    title = _habits(title, rng)
    about = None if rng.random() < 0.12 else _characteristics(spec, language, rng)
    return Text(language, title, about)


def _en_title(spec: Spec, rng: Random, unique: bool) -> str:
    noun = rng.choice(NOUNS[spec.leaf].en)
    cut = CUTS[spec.cut][0] if rng.random() < 0.5 else ""
    pattern = _maybe_pattern(spec, 0, rng)
    gender = rng.choice(GENDER_WORDS[spec.gender][0]) if rng.random() < 0.7 else ""
    material = MATERIALS[spec.material][0] if rng.random() < 0.35 else ""
    colour = spec.colour.en if rng.random() < 0.75 else ""
    year = str(spec.year) if rng.random() < 0.06 else ""
    article = _article(spec, "en", rng) if unique or rng.random() < 0.35 else ""
    orders = (
        (spec.brand, gender, colour, pattern, cut, material, noun, year, article),
        (gender, cut, noun, pattern, colour, material, spec.brand, article, year),
        (spec.brand, noun, cut, gender, material, pattern, colour, article, year),
    )
    words = " ".join(w for w in rng.choice(orders) if w)
    return words.title().replace("'S ", "'s ") if rng.random() < 0.4 and not article else words


def _ru_title(spec: Spec, rng: Random, unique: bool) -> str:
    noun, form = rng.choice(NOUNS[spec.leaf].ru)
    cut = CUTS[spec.cut][1] if rng.random() < 0.5 else ""
    pattern = _maybe_pattern(spec, 1, rng)
    gender = rng.choice(GENDER_WORDS[spec.gender][1]) if rng.random() < 0.7 else ""
    gender = inflect(gender, form) if gender.endswith(("ский", "ской")) else gender
    colour = inflect(spec.colour.ru, form) if rng.random() < 0.75 else ""
    material = MATERIALS[spec.material][1] if rng.random() < 0.35 else ""
    size = _size(spec, rng) if rng.random() < 0.25 else ""
    season = SEASON_WORDS[spec.season][1] if rng.random() < 0.12 else ""
    article = _article(spec, "ru", rng) if unique or rng.random() < 0.35 else ""
    orders = (
        (noun, gender, spec.brand, cut, colour, pattern, material, size, article),
        (noun, spec.brand, gender, pattern, colour, season, article, size),
        (colour.capitalize(), noun[0].lower() + noun[1:], gender, cut, pattern, spec.brand, size, article),
        (spec.brand, noun, cut, gender, material, pattern, colour, season, article),
    )
    return " ".join(w for w in rng.choice(orders) if w)


def _silent_title(spec: Spec, language: Language, rng: Random) -> str:
    """Brand, article and colour: nothing that says what the thing is."""
    colour = spec.colour.en if language == "en" else f"цвет {spec.colour.ru}"
    extra = (
        rng.choice(("", "NEW", "original", "sale"))
        if language == "en"
        else rng.choice(("", "новинка", "оригинал", "хит"))
    )
    words = [spec.brand, _article(spec, language, rng), colour, extra]
    return " ".join(w for w in words if w)


def _maybe_pattern(spec: Spec, language: int, rng: Random) -> str:
    chance = 0.08 if spec.pattern == "solid" else 0.7
    return rng.choice(PATTERN_WORDS[spec.pattern][language]) if rng.random() < chance else ""


def _article(spec: Spec, language: Language, rng: Random) -> str:
    if language == "ru":
        return rng.choice(("арт. {}", "арт.{}", "артикул {}", "{}")).format(spec.article)
    return rng.choice(("{}", "art. {}", "Style {}", "#{}")).format(spec.article)


def _size(spec: Spec, rng: Random) -> str:
    if spec.leaf in ("sneakers", "formal", "heels", "boots", "sandals", "flipflops"):
        return f"р. {rng.randint(36, 45)}"
    if spec.leaf in ("handbags", "backpacks", "wallets", "watches", "sunglasses"):
        return ""
    low = rng.choice((40, 42, 44, 46, 48, 50))
    return rng.choice((f"р. {low}-{low + 2}", f"р.{low}", rng.choice(("S", "M", "L", "XL"))))


def _habits(title: str, rng: Random) -> str:
    """Capitals, emoji, stray words of the other alphabet: now and then."""
    chance = rng.random()
    if chance < 0.04:
        return title.upper()
    if chance < 0.07:
        return f"{rng.choice(('🔥', '✨', '❤️', '🎁'))} {title}"
    if chance < 0.11:
        return f"{title} {rng.choice(('LUX', 'oversize', 'basic', 'premium', 'новинка', 'хит продаж'))}"
    if chance < 0.13:
        return title.lower()
    return title


def _characteristics(spec: Spec, language: Language, rng: Random) -> str:
    k = 0 if language == "en" else 1
    names = (
        ("colour", "material", "gender", "season", "year", "pattern")
        if k == 0
        else ("цвет", "материал", "пол", "сезон", "год", "рисунок")
    )
    colour = spec.colour.en if k == 0 else spec.colour.ru
    if spec.pattern != "solid" and rng.random() < 0.4:
        other = rng.choice([c for c in COLOURS if c != spec.colour])
        colour += f" | {other.en if k == 0 else other.ru}"
    material = MATERIALS[spec.material][k]
    if spec.material == "cotton" and rng.random() < 0.3:
        material += " | elastane" if k == 0 else " | эластан"
    gender = {"women": ("women", "женский"), "men": ("men", "мужской"), "unisex": ("unisex", "унисекс")}[spec.gender][k]
    pattern = PATTERN_WORDS[spec.pattern][k][-1]
    values = (colour, material, gender, SEASON_WORDS[spec.season][k], str(spec.year), pattern)
    pairs = [f"{n}: {v}" for n, v in zip(names, values, strict=True) if rng.random() < 0.78]
    if not pairs:
        pairs = [f"{names[0]}: {colour}"]
    return " / ".join(pairs)
