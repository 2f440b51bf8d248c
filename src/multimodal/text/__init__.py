"""The text kitchen: cleaning, tokens, lemmas, characteristics and hashed features."""

from multimodal.text.characteristics import parse_characteristics
from multimodal.text.cleaning import normalise
from multimodal.text.fields import TextFields
from multimodal.text.kitchen import TextKitchen
from multimodal.text.lemmas import get_lemmatizer
from multimodal.text.masking import category_words, mask_title
from multimodal.text.settings import TextKitchenConfig
from multimodal.text.tokens import tokenise

__all__ = [
    "TextFields",
    "TextKitchen",
    "TextKitchenConfig",
    "category_words",
    "get_lemmatizer",
    "mask_title",
    "normalise",
    "parse_characteristics",
    "tokenise",
]
