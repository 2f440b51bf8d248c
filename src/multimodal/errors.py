"""Every error the package raises on purpose: what came, what was expected, what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class MultimodalError(Exception):
    """Base of all errors raised on purpose.

    Attributes:
        code: short machine-readable name, stable between releases.
    """

    code: str = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code

    @property
    def message(self) -> str:
        return str(self.args[0])


class ConfigError(MultimodalError):
    """A configuration that cannot be used; the message starts with the path of the key."""

    code = "config"


class TreeError(MultimodalError):
    """A category tree that is no tree, or a category that it does not hold."""

    code = "tree"


class DataError(MultimodalError):
    """A data source that cannot be read as described (not a single bad row: that is a ``RowError``)."""

    code = "data"


class InputError(MultimodalError):
    """One product, or one of its fields, that cannot be used. Costs that row alone."""

    code = "input"


class ImageError(InputError):
    """A photo that cannot be decoded, or is over a cap."""

    code = "image_unreadable"


class BundleError(MultimodalError):
    """A model bundle that is missing, changed, incomplete or of another schema."""

    code = "bundle"


class ExportError(MultimodalError):
    """An export whose ONNX graphs do not agree with the trained model."""

    code = "export"


class MissingExtraError(MultimodalError, ImportError):
    """A feature whose optional dependencies are not installed."""

    code = "missing_extra"

    def __init__(self, extra: str, *, feature: str) -> None:
        super().__init__(
            f"{feature} needs the optional dependencies [{extra}], which are not installed. "
            f"Install them with: pip install 'multimodal[{extra}]'"
        )
        self.extra = extra


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence naming the nearest known names to ``name``, or an empty string."""
    matches = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(repr(m) for m in matches)}?" if matches else ""
