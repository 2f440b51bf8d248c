"""The text kitchen's parameters, kept in a bundle's manifest and used again in serving."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from multimodal.config.text import LemmasName, NgramsConfig, StepNames, TextConfig
from multimodal.types import EncoderName


class TextKitchenConfig(BaseModel):
    """Everything that decides which features a text gives.

    Attributes:
        encoders: the text encoders that are fed.
        longest: word pieces of a product that a sentence encoder reads.
        lemmas: how words become dictionary forms.
        steps: what else is done to a text, in this order; none in manifests older than the steps.
        word_ngrams: longest run of title words that is a feature; descriptions stop at 2.
        char_min: shortest character n-gram of title words.
        char_max: longest; 0 turns them off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoders: tuple[EncoderName, ...] = ("ngrams",)
    longest: Annotated[int, Field(ge=1)] = 64
    tokenizer: Literal["regex", "razdel"] = "regex"
    lemmas: LemmasName = "none"
    steps: StepNames = ()
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

    @property
    def extras(self) -> tuple[str, ...]:
        """Optional dependencies that cleaning, tokens and lemmas need."""
        return ("ru",) if self.tokenizer == "razdel" or self.lemmas != "none" else ()

    @classmethod
    def from_text_config(cls, config: TextConfig) -> TextKitchenConfig:
        """The kitchen's part of a run's text configuration."""
        ngrams = config.ngrams or NgramsConfig()
        longest = {} if config.sentence is None else {"longest": config.sentence.longest}
        return cls(
            encoders=config.encoders,
            **longest,
            tokenizer=config.tokenizer,
            lemmas=config.lemmas,
            steps=config.steps,
            word_ngrams=ngrams.word_ngrams,
            char_min=ngrams.char_min,
            char_max=ngrams.char_max,
        )
