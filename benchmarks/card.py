"""The model card of a bundle, from measured figures, its manifest and its configuration; measures nothing."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import again
from card_answers import calibration, parity
from card_data import data, limits
from card_trust import honesty, trust
from multimodal.artifact import Manifest, bundle_sha256
from multimodal.config import load_config
from multimodal.types import ENCODERS
from photo_shows import section
from records import portable
from shipped import ROOT, Shipped
from tables import FIGURES, accuracy, cell, larger, levels, phone, table

_SECTIONS = ("text", "image", "tags", "attributes", "fusion", "training")
"""Of a configuration, those that say how is trained; the others name files."""
MORE_FIGURES = {**FIGURES, "name_top1": "top-1 by name"}
"""The same for the card."""


def model_card(
    entry: Shipped,
    manifest: Manifest,
    evaluation: Mapping[str, Any],
    bytes_: int,
    second: Mapping[str, Any] | None = None,
) -> str:
    """The whole card of a bundle.

    Args:
        second: what ``again.py`` saved of a second training.
    """
    full = entry.full.name
    parts = [
        [f"# Model card: {manifest.name} {manifest.version}", ""],
        _summary(entry, manifest, bytes_),
        ["## Figures", "", *accuracy(evaluation, MORE_FIGURES), "", *_heads(evaluation, full), ""],
        ["ECE of the best category of each level of the tree, by what is seen:", "", *levels(evaluation), ""],
        [*phone(evaluation), *larger(evaluation)],
        section(evaluation),
        _how_measured(entry, evaluation),
        data(manifest, evaluation, full),
        limits(entry, manifest, evaluation),
        _training(manifest),
        [] if second is None else ["## Trained again", "", *again.lines(second), ""],
        calibration(manifest),
        honesty(manifest),
        trust(manifest),
        parity(manifest),
    ]
    return "\n".join(line for part in parts for line in part).strip() + "\n"


def _summary(entry: Shipped, manifest: Manifest, bytes_: int) -> list[str]:
    image = manifest.image
    photo = []
    if image is not None:
        canvas = f"{image.kitchen['height']} × {image.kitchen['width']} pixels"
        photo = [f"- **Photo:** {image.backbone}, {canvas}, stored as {image.storage}.{_twice(image.second_look)}"]
    return [
        f"Answers with one of {manifest.leaves} leaf categories of the {entry.data} tree "
        f"(version `{manifest.tree_version}`) from any of: {', '.join(manifest.inputs)}.",
        "",
        *_text(manifest),
        *photo,
        f"- **Size:** {bytes_ / 1e6:.2f} MB. Needs no torch to answer"
        + "".join(f"; needs the extra [{extra}]" for extra in manifest.requires)
        + ".",
        f"- **sha256:** `{bundle_sha256(manifest)}` (`multimodal bundle inspect` prints it).",
        f"- **Made:** {manifest.created} with {manifest.made_with}. Licence of the weights: Apache-2.0; see the data "
        "they come from below.",
        "",
    ]


def _text(manifest: Manifest) -> list[str]:
    """Encoders and their storage; tokens, lemmas and steps of the kitchen."""
    text = manifest.text
    if text is None:
        return []
    # Bundles of before several encoders have n-grams alone, and their shape beside the name.
    encoders = [f"{name} ({spec.vocabulary:,} × {spec.dim})" for name, spec in text.encoders.items()]
    encoders = encoders or [f"{text.encoder} ({text.vocabulary:,} × {text.dim})"]
    kitchen = text.kitchen
    letters = f"characters {kitchen['char_min']} to {kitchen['char_max']}" if kitchen["char_max"] else "no characters"
    return [
        f"- **Text:** {', '.join(encoders)}; stored as {text.storage}.",
        f"- **Kitchen:** tokens by {kitchen['tokenizer']}; lemmas: {kitchen['lemmas']}; steps: "
        f"{', '.join(kitchen.get('steps', ())) or 'none'}; n-grams of words 1 to {kitchen['word_ngrams']}, {letters}.",
    ]


def _heads(evaluation: Mapping[str, Any], full: str) -> list[str]:
    """What answers beside the text and the photo head by themselves, on the same rows."""
    rows = []
    for split, measured in evaluation["splits"].items():
        for head, figures in measured["cases"][full]["heads"].items():
            by_level = ", ".join(map(cell, figures["ece_levels"]))
            rows.append([split, head, *(cell(figures[key]) for key in FIGURES), by_level])
    head = ["split", "head", *FIGURES.values(), "ECE of each level, top first"]
    return [f"Heads on the rows of *{full}* (`fused` is what answers):", "", *table(head, rows, left=2)]


def _how_measured(entry: Shipped, evaluation: Mapping[str, Any]) -> list[str]:
    told = (
        "Rows without an input are answered from the others. hF1 is micro, of the best leaf, the root left out. ECE "
        "has 15 bins of equal mass. *Top-1 by name* counts a leaf of the same name elsewhere as right. One half of val "
        "chose (early stopping, what answers), the other fitted temperatures; test chose nothing."
    )
    if any(case.masked for case in entry.cases):
        told = (
            "*Masked* titles lose every word, singular or plural, that occurs in any category name of the tree; rows "
            f"without a word left are not in the row. {told}"
        )
    lines = [told, ""]
    for split, measured in evaluation["splits"].items():
        lines += [f"- {split}: `{measured['command']}` ({measured['seconds']:,.0f} s)"]
    return [*lines, ""]


def _time(told: Mapping[str, Any]) -> str | None:
    """What the stages took, resumed or not; and the whole of it, where no earlier run had done a part."""
    stages = told.get("stage_seconds")
    whole = told.get("seconds")
    if not stages:
        return None if whole is None else f"{_minutes(whole)} minutes"
    parts = ", ".join(f"{name} {_minutes(seconds)}" for name, seconds in stages.items())
    epochs = sum(stages.values())
    if whole is not None and whole >= epochs:
        return f"{_minutes(whole)} minutes with reading and export, {_minutes(epochs)} of them in stages ({parts})"
    return f"{_minutes(epochs)} minutes in epochs ({parts})"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f}" if seconds >= 600 else f"{seconds / 60:.1f}"


def _training(manifest: Manifest) -> list[str]:
    told = manifest.provenance
    config = told.get("config", {})
    rows = [
        ("seed", told.get("seed")),
        ("device", told.get("device")),
        ("time", _time(told)),
        *(_text_recipe(config["text"]) if manifest.text is not None and config.get("text") else ()),
        *(_photo_recipe(config["image"]) if manifest.image is not None and config.get("image") else ()),
        *(_fusion_recipe(config["fusion"]) if manifest.fusion and config.get("fusion") else ()),
        ("continued from", portable((config.get("training") or {}).get("init_from") or "no bundle")),
    ]
    if manifest.unnamed is not None:
        rows.append(("head for titles that name no category", f"from {manifest.unnamed.rows:,} training titles"))
    if "calibrated" in told:
        anew = told["calibrated"]
        rows.append(("calibrated anew", f"{anew['at'][:10]}, on {anew['rows']:,} validation rows"))
    file = f"configs/{manifest.name}.yaml"
    return [
        "## Training",
        "",
        f"    multimodal train {file}{_settings(config, file)}",
        "",
        *table(["what", "value"], [[name, str(value)] for name, value in rows], left=2),
        "",
        f"The recipe is [{file}](../../{file}). The whole configuration, defaults too, is in `manifest.json` under "
        "`provenance.config`.",
        "",
    ]


def _settings(config: Mapping[str, Any], file: str) -> str:
    """What the training was told beside its file, as ``--set`` takes it; what the file leaves open is not of it."""
    if not (ROOT / file).is_file():
        return ""
    asked = load_config(ROOT / file).model_dump(mode="json")
    told = ""
    for part in _SECTIONS:
        for key, value in again.changed(asked[part], config.get(part), part):
            place: Any = asked
            for name in key.split("."):
                place = place.get(name) if isinstance(place, Mapping) else None
            if place is not None:
                told += f" --set {shlex.quote(f'{key}={value}')}"
    return told


def _text_recipe(text: Mapping[str, Any]) -> list[tuple[str, str]]:
    hidden = {key: text[key] for key in ("word_dropout", "field_dropout", "mask_names", "dropout") if key in text}
    steps = f"{text.get('epochs')} epochs, learning rate {text.get('learning_rate')}, batches of {text['batch_size']}"
    # Bundles of before several encoders have theirs under another key, and no table of each.
    encoders = [(f"text, {name}", _listed(text[name])) for name in ENCODERS if text.get(name)]
    return [("text", f"{_start(text)}{steps}; {_listed(hidden)}"), *encoders]


def _twice(below: float) -> str:
    if not below:
        return ""
    return (
        f" Photos that come without text and whose likeliest category has less than {below:g} before calibration are "
        "looked at once more, mirrored and smaller."
    )


def _photo_recipe(image: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [("photo", f"{image.get('epochs')} epochs, learning rate {image.get('learning_rate')}")]


def _fusion_recipe(fusion: Mapping[str, Any]) -> list[tuple[str, str]]:
    towers = "towers learn on" if fusion.get("tower_rate") else "frozen towers"
    return [("fusion", f"{fusion.get('epochs')} epochs, {fusion.get('hidden')} hidden, {towers}")]


def _listed(settings: Mapping[str, Any]) -> str:
    """Settings as words; of weights the file's name, without this machine's folders."""
    told = {key: portable(value) if isinstance(value, str) else value for key, value in settings.items()}
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in told.items() if value is not None)


def _start(text: Mapping[str, Any]) -> str:
    # Bundles of before text.start have it under text.encoder.
    start = text.get("start") or (text.get("encoder") or {}).get("start")
    return {"svm": "from linear support vector machines, one a leaf, ", "random": "from random, "}.get(str(start), "")
