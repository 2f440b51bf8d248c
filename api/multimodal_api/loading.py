"""From folders to the models being served: opens a bundle, names what was opened, finds the default."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from multimodal.artifact.names import check_names
from multimodal.errors import BundleError, ConfigError, MultimodalError, nearest
from multimodal_api.ports import Predictor
from multimodal_api.settings import Settings

_log = logging.getLogger("multimodal_api")


class LoadError(MultimodalError):
    """Bundles that cannot be served; the message names each folder."""

    code = "load_failed"


def open_predictor(folder: str, settings: Settings) -> Predictor:
    """A bundle, opened and warm.

    Args:
        folder: the bundle's.
        settings: tell of threads and of the runtime.

    Raises:
        LoadError: whatever the reason; one that nobody foresaw is in the log in full.
    """
    import multimodal  # onnxruntime is loaded with the first bundle, not with the API

    try:
        predictor: Predictor = multimodal.load(folder, threads=settings.graph_threads, runtime=settings.runtime)
        predictor.warm_up()
    except (MultimodalError, OSError) as error:
        told = str(error)
        raise LoadError(told if told.startswith(str(Path(folder))) else f"{folder}: {told}") from error
    except Exception as error:  # whatever it is, probes must see that it will never be ready
        _log.exception("%s: the bundle cannot be opened", folder)
        raise LoadError(f"{folder}: {type(error).__name__} while loading; the service's log has more.") from error
    return predictor


def by_name(opened: Iterable[tuple[str, Predictor]]) -> dict[str, Predictor]:
    """Predictors by the names in their manifests, in the order they came.

    Args:
        opened: folders with what was opened there.

    Raises:
        LoadError: two have one name.
    """
    told = list(opened)
    try:
        check_names((folder, predictor.name) for folder, predictor in told)
    except BundleError as error:
        raise LoadError(str(error)) from error
    return {predictor.name: predictor for _, predictor in told}


def default_of(names: Sequence[str], wanted: str | None) -> str:
    """The name of the model that answers where a request names none: the first unless another is wanted.

    Raises:
        ConfigError: none of them has the name that is wanted.
    """
    if wanted is None:
        return names[0]
    if wanted not in names:
        raise ConfigError(
            f"MULTIMODAL_DEFAULT_MODEL={wanted!r:.80}: expected one of {', '.join(names)}."
            + nearest(wanted, names)
            + " Set it to one of them, or unset it for the first."
        )
    return wanted
