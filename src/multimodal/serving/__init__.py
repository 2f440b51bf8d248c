"""Answers from a bundle, without torch."""

from multimodal.serving.predictor import Predictor

__all__ = ["Predictor"]
