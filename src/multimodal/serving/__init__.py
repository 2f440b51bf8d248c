"""Answers from a bundle, without torch."""

from multimodal.options import AnswerOptions
from multimodal.serving.predictor import Predictor

__all__ = ["AnswerOptions", "Predictor"]
