"""What tables and callers put where a text belongs: missing values, numbers, dates."""

from __future__ import annotations

import math
from datetime import date, time
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from multimodal.errors import InputError


def is_missing(value: object) -> bool:
    """Whether a value stands for nothing: None, NaN of any type, pandas' NA and NaT."""
    if value is None:
        return True
    if isinstance(value, str):
        return False
    try:
        return bool(value != value)  # NaN is no equal of itself
    except TypeError:  # pandas' NA says neither yes nor no
        return True
    except ValueError:  # an array: something, whatever it is
        return False


def text_of(value: object, field: str) -> str:
    """A str as it is, a number or a date written out, nothing for what is missing or infinite.

    Whole floats lose their point, as they do where files are read.

    Raises:
        InputError: anything else (code not_text), or a number of thousands of digits (code <field>_too_long).
    """
    if isinstance(value, str):
        return value
    if is_missing(value):
        return ""
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, Real | Decimal | date | time):
        raise InputError(
            f"{field}: got {type(value).__name__}, expected text or a number; turn it into text, or leave it out",
            code="not_text",
        )
    return number_text(value, field)


def number_text(value: Any, field: str) -> str:
    """A number or a date written out; see ``text_of``."""
    if isinstance(value, Real | Decimal) and not isinstance(value, int):
        if not math.isfinite(value):
            return ""
        value = whole if value == (whole := math.trunc(value)) else value
    try:
        return str(value)
    except ValueError as error:  # Python writes out no integer of more than 4,300 digits
        raise InputError(f"{field}: {error}; expected a text or a shorter number", code=f"{field}_too_long") from None
