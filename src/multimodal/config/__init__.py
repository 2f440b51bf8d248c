"""The configuration of a run: frozen models and their loader."""

from multimodal.config.load import load_config
from multimodal.config.models import RunConfig

__all__ = ["RunConfig", "load_config"]
