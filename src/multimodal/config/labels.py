"""The sections of what else is read from the photo: tags and single-choice attributes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from multimodal.config.strict import Strict
from multimodal.errors import nearest

Precision = Annotated[float, Field(gt=0, lt=1)]


class TagsConfig(Strict):
    """Tags: none, one or several of them, from the photo alone. Sources name their columns in ``columns.tags``."""

    names: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1)
    weight: Annotated[float, Field(gt=0)] = 2.0
    """Weight of their loss beside that of the categories."""
    noise: Annotated[float, Field(ge=0, lt=0.5)] = 0.03
    """Share of the labels that are thought to be wrong: no answer is pushed further than that."""
    precision: Precision | dict[str, Precision] | None = None
    """Precision that a tag's threshold is to reach on select, for all tags or by tag; the others go by F1."""

    @field_validator("names")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"got {', '.join(twice)} more than once, expected each tag once")
        return names

    @model_validator(mode="after")
    def _known(self) -> TagsConfig:
        strange = sorted(set(self.precision) - set(self.names)) if isinstance(self.precision, dict) else []
        if strange:
            raise ValueError(
                f"precision: got {', '.join(strange)}, expected names of tags, {', '.join(self.names)}."
                f"{nearest(strange[0], self.names)}"
            )
        return self


class AttributeConfig(Strict):
    """A single-choice attribute, colour say, from the photo alone."""

    characteristic: str | None = None
    """Characteristic of the rows that holds its value, where no column of ``columns.attributes`` does."""
    min_count: Annotated[int, Field(ge=1)] = 20
    """Training rows a value must be found in to be learned; rows of rarer ones teach nothing of the attribute."""
    weight: Annotated[float, Field(ge=0)] = 0.3
    """Weight of its loss beside that of the categories; 0, with ``image.learn: labels``, answers it as before."""
    answered: bool = True
    """Whether the bundle answers it. One that is not is learned for what it teaches the others."""
