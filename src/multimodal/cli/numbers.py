"""Whole numbers that an option takes several of, by comma."""

from __future__ import annotations

from multimodal.errors import InputError


def whole_numbers(option: str, told: str, *, least: int | None = None) -> list[int]:
    """Each number once, in the order given.

    Raises:
        InputError: something else stands there, nothing does, or a number is below ``least``.
    """
    try:
        found = list(dict.fromkeys(int(one) for one in told.split(",")))
    except ValueError:
        found = []
    if not found or (least is not None and min(found) < least):
        from_least = "" if least is None else f" from {least}"
        raise InputError(f"{option} {told!r}: expected whole numbers{from_least} by comma, for example 1,2,4")
    return found
