"""The model card of a bundle, from measured figures and its manifest. Reads nothing, measures nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from multimodal.artifact import Manifest, bundle_sha256
from tables import FIGURES, FULL, accuracy, larger, phone, table

MORE_FIGURES = {**FIGURES, "weighted_f1": "weighted F1", "name_top1": "top-1 by name", "nll": "NLL"}
"""The same for the card."""

_ORIGIN = {
    "fashion_products": "Fashion Product Images (Small), from Kaggle, by paramaggarwal. Licence: stated as MIT on "
    "Kaggle, unchecked; the photos are catalog photos.",
    "clothes_phone": "clothing-dataset-small by Alexey Grigorev. Licence: CC0.",
    "drawings": "drawn by this project's own code (`multimodal sample`). Licence: Apache-2.0, as the project.",
}
_UNKNOWN_ORIGIN = "see the owner of the data for its licence."
_ANSWERED_BY = {
    "text": "the text head",
    "image": "the photo head",
    "mlp": "the fusion MLP",
    "log_mix": "the text and photo heads, log scores added",
    "blend": "the MLP and both heads, log scores added",
}


def model_card(manifest: Manifest, evaluation: Mapping[str, Any], bytes_: int) -> str:
    """The whole card of a bundle."""
    parts = [
        [f"# Model card: {manifest.name} {manifest.version}", ""],
        _summary(manifest, bytes_),
        ["## Figures", "", *accuracy(evaluation, MORE_FIGURES), "", *_heads(evaluation), ""],
        [*phone(evaluation), *larger(evaluation)],
        _how_measured(evaluation),
        _data(manifest, evaluation),
        _limits(manifest, evaluation),
        _training(manifest),
        _calibration(manifest),
        _parity(manifest),
    ]
    return "\n".join(line for part in parts for line in part).strip() + "\n"


def _summary(manifest: Manifest, bytes_: int) -> list[str]:
    text, image = manifest.text, manifest.image
    return [
        f"Answers with one of {manifest.leaves} leaf categories of the fashion_products tree "
        f"(version `{manifest.tree_version}`) from any of: {', '.join(manifest.inputs)}.",
        "",
        f"- **Text:** {text.encoder}, {text.vocabulary:,} × {text.dim}, stored as {text.storage}." if text else "",
        f"- **Photo:** {image.backbone}, {image.kitchen['height']} × {image.kitchen['width']} pixels, stored as "
        f"{image.storage}."
        if image
        else "",
        f"- **Size:** {bytes_ / 1e6:.2f} MB. Needs no torch to answer.",
        f"- **sha256:** `{bundle_sha256(manifest)}` (`multimodal bundle inspect` prints it).",
        f"- **Made:** {manifest.created} with {manifest.made_with}. Licence of the weights: Apache-2.0; see the data "
        "they come from below.",
        "",
    ]


def _heads(evaluation: Mapping[str, Any]) -> list[str]:
    """What answers beside the text and the photo head by themselves, on the same rows."""
    rows = []
    for split, measured in evaluation["splits"].items():
        for head, figures in measured["cases"][FULL]["heads"].items():
            levels = ", ".join(f"{value:.4f}" for value in figures["ece_levels"])
            rows.append([split, head, *(f"{figures[key]:.4f}" for key in ("top1", "top2", "hf1")), levels])
    head = ["split", "head", "top-1", "top-2", "hF1", "ECE of each level, top first"]
    return [f"Heads on the rows of *{FULL}* (`fused` is what answers):", "", *table(head, rows, left=2)]


def _how_measured(evaluation: Mapping[str, Any]) -> list[str]:
    lines = [
        "*Masked* titles lose every word, singular or plural, that occurs in any category name of the tree; rows "
        "without a word left are not in the row. hF1 is micro, of the best leaf, the root left out. ECE has 15 bins "
        "of equal mass. *Top-1 by name* counts a leaf of the same name elsewhere as right. One half of val chose "
        "(early stopping, what answers), the other fitted temperatures; test chose nothing.",
        "",
    ]
    for split, measured in evaluation["splits"].items():
        lines += [f"- {split}: `{measured['command']}` ({measured['seconds']:,.0f} s)"]
    return [*lines, ""]


def _data(manifest: Manifest, evaluation: Mapping[str, Any]) -> list[str]:
    rows = manifest.provenance.get("rows", {})
    used = ", ".join(f"{count:,} rows for {split}" for split, count in rows.items())
    listed = [[s["split"], s["data"], s["file"] + _joined(s), _count(s)] for s in evaluation["sources"]]
    sets = dict.fromkeys(s["data"] for s in evaluation["sources"])
    return [
        "## Data",
        "",
        *table(["for", "data set", "file", "rows in it"], listed, left=3),
        "",
        f"Used after reading: {used}. Test: {_test_rows(evaluation)}. Rows that share a title or a photo stay in one "
        "split.",
        "",
        *(f"- **{name}**: {_ORIGIN.get(name, _UNKNOWN_ORIGIN)}" for name in sets),
        f"- **Starting weights of the photo tower**: {manifest.provenance.get('image_weights', 'not told')}"
        " (MobileNetV2 trained on ImageNet by Google, TensorFlow models; Apache-2.0).",
        "",
        "No row and no photo of these sets is in the bundle; it holds trained weights, hashes of n-grams and the "
        "category tree.",
        "",
    ]


def _test_rows(evaluation: Mapping[str, Any]) -> str:
    test = evaluation["splits"].get("test")
    return "not measured yet" if test is None else f"{test['cases'][FULL]['rows']:,} rows, measured once"


def _joined(source: Mapping[str, Any]) -> str:
    return f", only ids of {source['joined']}" if source.get("joined") else ""


def _count(source: Mapping[str, Any]) -> str:
    rows = "–" if source["rows"] is None else f"{source['rows']:,}"
    return rows if source["share"] == 1 else f"{rows}, a share of {source['share']:g}"


def _limits(manifest: Manifest, evaluation: Mapping[str, Any]) -> list[str]:
    figures = evaluation["splits"]["val"]["cases"][FULL]["heads"]["fused"]
    return [
        "## Limits",
        "",
        "- Catalog photos are studio shots, mostly on white. Photos from phones are harder"
        + ("; the figure above says how much." if "phone_photos" in evaluation else "."),
        "- Titles are English. Russian titles, or any others, were not trained on; the photo still answers.",
        f"- Leaves with few rows are weaker: macro F1 is {figures['macro_f1']:.4f} over all leaves seen on val, and "
        f"{figures['macro_f1_10']:.4f} over those with 10 rows or more.",
        f"- It knows {manifest.leaves} leaves of fashion and nothing else: a product of another kind still gets one.",
        "- Some categories of the tree share a name under different parents, and some titles stand under several "
        "categories: no model gets all of them right.",
        "- No tags, no colour or other attributes, no candidate sets: those parts of an answer are empty.",
        "",
    ]


def _time(told: Mapping[str, Any]) -> str | None:
    """What the stages took, resumed or not; reading, starts and export come on top."""
    stages = told.get("stage_seconds")
    if not stages:
        return f"{told['seconds'] / 60:.0f} minutes" if "seconds" in told else None
    parts = ", ".join(f"{name} {seconds / 60:.0f}" for name, seconds in stages.items())
    return f"{sum(stages.values()) / 60:.0f} minutes in epochs ({parts})"


def _training(manifest: Manifest) -> list[str]:
    told = manifest.provenance
    config = told.get("config", {})
    text, image, fusion = (config.get(part) or {} for part in ("text", "image", "fusion"))
    rows: list[tuple[str, object]] = [
        ("seed", told.get("seed")),
        ("device", told.get("device")),
        ("time", _time(told)),
        ("text", f"{_start(text)}{text.get('epochs')} epochs, learning rate {text.get('learning_rate')}"),
        ("photo", f"{image.get('epochs')} epochs, learning rate {image.get('learning_rate')}"),
        ("fusion", f"{fusion.get('epochs')} epochs, {fusion.get('hidden')} hidden, frozen towers"),
        ("continued from", (config.get("training") or {}).get("init_from") or "no bundle"),
    ]
    if "calibrated_again" in told:
        rows.append(("calibrated again", told["calibrated_again"]))
    if fusion.get("tower_rate"):
        rows[5] = ("fusion", f"{fusion.get('epochs')} epochs, {fusion.get('hidden')} hidden, towers learn on")
    return [
        "## Training",
        "",
        f"    multimodal train configs/{manifest.name}.yaml",
        "",
        *table(["what", "value"], [[name, str(value)] for name, value in rows], left=2),
        "",
        "The whole configuration, defaults too, is in `manifest.json` under `provenance.config`.",
        "",
    ]


def _start(text: Mapping[str, Any]) -> str:
    start = text.get("encoder", {}).get("start")
    return {"svm": "from linear support vector machines, one a leaf, ", "random": "from random, "}.get(start, "")


def _calibration(manifest: Manifest) -> list[str]:
    rows = []
    for mix, fit in manifest.calibration.mixes.items():
        weights = ", ".join(f"{head} {weight:.3f}" for head, weight in fit.weights.items())
        by = _ANSWERED_BY.get(fit.chosen, fit.chosen)
        rows.append([mix.replace("+", " + "), by, f"{fit.temperature:.3f}", f"{fit.slope:+.3f}", weights])
    return [
        "## What answers",
        "",
        "Which inputs are there decides what answers. Weights were fitted on one half of val, temperatures on the "
        "other. The temperature of each answer is multiplied by exp(slope × its entropy); 0 is one for all.",
        "",
        *table(["inputs", "answered by", "temperature", "slope", "weights of log scores"], rows, left=2),
        "",
        *_ways(manifest),
    ]


def _ways(manifest: Manifest) -> list[str]:
    """Where text and photo are both there: what answers beside its rivals, top-1 / NLL on val."""
    rows = []
    for mix, measured in manifest.metrics.get("val", {}).items():
        if "mlp" in measured:
            ways = [measured[way] for way in ("mlp", "log_mix", "answer")]
            cells = [f"{figures['top1']:.4f} / {figures['nll']:.4f}" for figures in ways]
            rows.append([mix.replace("+", " + "), *cells])
    if not rows:
        return []
    fusion = manifest.provenance.get("config", {}).get("fusion") or {}
    text = f"out-of-fold text ({fusion['folds']} folds)" if fusion.get("folds", 0) > 1 else "the final tower's text"
    return [
        f"Ways to answer from text and photo together, top-1 / NLL on val; the MLP was trained on {text}:",
        "",
        *table(["inputs", "MLP alone", "log scores added", "what answers"], rows),
        "",
    ]


def _parity(manifest: Manifest) -> list[str]:
    parity = manifest.provenance.get("parity", {})
    rows = []
    for head, p in parity.items():
        worst = [f"{p[key]:.5f}" for key in ("vector", "logits", "probability")]
        rows.append([head, f"{p['rows']:,}", *worst, f"{p['same_top1']:.4f}", f"{p['bound']:g}"])
    heading = ["head", "rows", "vector", "logits", "probability", "same top-1", "bound on probability"]
    return [
        "## Parity with torch",
        "",
        "Largest difference between the stored ONNX graphs and the trained model in torch, on validation rows:",
        "",
        *table(heading, rows),
        "",
    ]
