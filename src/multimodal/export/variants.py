"""What an ablation leaves out: each variant changes one thing of the configuration, or of what is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from multimodal.config.models import RunConfig
from multimodal.errors import ConfigError, nearest

Part = Literal["text", "image", "fused", "mlp", "log_mix"]
Anew = Literal["nothing", "fusion", "text", "reading"]
WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of an ablation.

    Attributes:
        name: on the command line.
        label: in tables.
        part: what answers: one tower alone, the bundle, or the bundle's fusion one way only.
        anew: what must be trained again beside the whole's own parts; "reading" reads the texts again too.
        change: the configuration, changed; None leaves it.
        applies: whether a configuration has what is left out.
        without: a text field that is not seen.
    """

    name: str
    label: str
    part: Part = "fused"
    anew: Anew = "nothing"
    change: Callable[[RunConfig], RunConfig] | None = None
    applies: Callable[[RunConfig], bool] = lambda config: True
    without: str | None = None


def _fusion(**update: object) -> Callable[[RunConfig], RunConfig]:
    return lambda config: config.model_copy(update={"fusion": config.fusion.model_copy(update=update)})


def _lemmas(config: RunConfig) -> RunConfig:
    assert config.text is not None
    other = "none" if config.text.lemmas != "none" else "dictionary"
    return config.model_copy(update={"text": config.text.model_copy(update={"lemmas": other})})


def _both(config: RunConfig) -> bool:
    return config.text is not None and config.image is not None


def _has_text(config: RunConfig) -> bool:
    return config.text is not None


VARIANTS = (
    Variant(WHOLE, "as configured"),
    Variant("text", "text only", "text", applies=_both),
    Variant("image", "photo only", "image", applies=_both),
    Variant("mlp", "fusion MLP alone", "mlp", applies=_both),
    Variant("log-mix", "log-score mix alone", "log_mix", applies=_both),
    Variant(
        "modality-dropout", "without modality dropout", anew="fusion", change=_fusion(modality_dropout=0.0),
        applies=lambda config: _both(config) and config.fusion.modality_dropout > 0,
    ),
    Variant(
        "auxiliary", "without auxiliary losses", anew="fusion", change=_fusion(auxiliary=0.0),
        applies=lambda config: _both(config) and config.fusion.tower_rate > 0 and config.fusion.auxiliary > 0,
    ),
    Variant(
        "folds", "text of the final tower, not out of fold", anew="fusion", change=_fusion(folds=0),
        applies=lambda config: _both(config) and config.fusion.tower_rate == 0 and config.fusion.folds > 1,
    ),
    Variant("lemmas", "lemmas the other way", anew="reading", change=_lemmas, applies=_has_text),
    Variant("characteristics", "without characteristics", anew="text", applies=_has_text, without="characteristics"),
)  # fmt: skip
"""Photos and texts alone, ways to fuse, and what the recipe has that could be left out."""


def variants_of(config: RunConfig, names: tuple[str, ...] = ()) -> tuple[Variant, ...]:
    """The variants that say something of a configuration; the whole always comes first.

    Raises:
        ConfigError: a name that is none, or one that the configuration has nothing to leave out for.
    """
    known = {variant.name: variant for variant in VARIANTS}
    for name in names:
        if name not in known:
            raise ConfigError(f"variant {name!r}: expected some of {', '.join(known)}.{nearest(name, known)}")
        if not known[name].applies(config):
            raise ConfigError(
                f"variant {name!r} ({known[name].label}): this configuration has nothing to leave out for it; expected "
                f"some of {', '.join(v.name for v in VARIANTS if v.applies(config))}"
            )
    asked = {WHOLE, *names} if names else set(known)
    return tuple(variant for variant in VARIANTS if variant.name in asked and variant.applies(config))
