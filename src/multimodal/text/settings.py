"""The text kitchen's parameters, kept in a bundle's manifest and used again in serving."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from multimodal.config.models import TextConfig


class TextKitchenConfig(BaseModel):
    """Everything that decides which features a text gives.

    Attributes:
        word_ngrams: longest run of title words that is a feature; descriptions stop at 2.
        char_min: shortest character n-gram of title words.
        char_max: longest; 0 turns them off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokenizer: Literal["regex", "razdel"] = "regex"
    lemmas: str = "none"
    word_ngrams: Annotated[int, Field(ge=1, le=3)] = 2
    char_min: Annotated[int, Field(ge=1)] = 2
    char_max: Annotated[int, Field(ge=0, le=8)] = 5

    @model_validator(mode="after")
    def _range(self) -> TextKitchenConfig:
        if self.char_max and self.char_max < self.char_min:
            raise ValueError(
                f"char_max {self.char_max} is below char_min {self.char_min}: "
                f"expected 0 (no character n-grams) or at least {self.char_min}"
            )
        return self

    @classmethod
    def from_text_config(cls, config: TextConfig) -> TextKitchenConfig:
        """The kitchen's part of a run's text configuration."""
        encoder = config.encoder
        return cls(
            tokenizer=config.tokenizer,
            lemmas=config.lemmas,
            word_ngrams=encoder.word_ngrams,
            char_min=encoder.char_min,
            char_max=encoder.char_max,
        )
