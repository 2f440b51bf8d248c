"""The parts of a model card on what answers, and on how near the stored graphs are to torch."""

from __future__ import annotations

from multimodal.artifact import Manifest
from tables import table

_ANSWERED_BY = {
    "text": "the text head",
    "image": "the photo head",
    "mlp": "the fusion MLP",
    "log_mix": "the text and photo heads, log scores added",
    "blend": "the MLP and both heads, log scores added",
    "unnamed": "the text head for such titles",
    "unnamed_log_mix": "the text head for such titles and the photo head, log scores added",
    "unnamed_blend": "the MLP, the text head for such titles and the photo head, log scores added",
}


def calibration(manifest: Manifest) -> list[str]:
    """The section on what answers each mix of inputs, and how it was calibrated."""
    rows = []
    for name, fit in manifest.calibration.by_name().items():
        weights = ", ".join(f"{head} {weight:.3f}" for head, weight in fit.weights.items())
        by = _ANSWERED_BY.get(fit.chosen, fit.chosen)
        top = fit.top
        step = "–"
        if top is not None:
            rest = f"{top.rest_temperature:.2f}, {top.rest_kin:+.2f}"
            step = f"{top.bias:+.2f}, {top.logit:+.2f}, {top.margin:+.2f}; {rest}"
        rows.append([name, by, f"{fit.temperature:.3f}", f"{fit.slope:+.3f}", step, weights])
    return [
        "## What answers",
        "",
        "Which inputs are there decides what answers. Weights were fitted on one half of val, temperatures on the "
        "other. The temperature of each answer is multiplied by exp(slope × its entropy); 0 is one for all. *Second "
        "step*: bias and weights of the likeliest leaf's log odds and of its margin over the second, in a logistic "
        "function; then how the others share the rest: the temperature, and the log odds that each ancestor in common "
        "with the likeliest leaf adds. It is taken where it lowers the NLL of the half that did not fit it.",
        *(
            [
                "",
                "Titles that hold no word of any category name go another way, fitted on val with these words taken "
                "out, as that answered better on the half that chooses.",
            ]
            if manifest.calibration.unnamed
            else []
        ),
        "",
        *table(["inputs", "answered by", "temperature", "slope", "second step", "weights of log scores"], rows, left=2),
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


def parity(manifest: Manifest) -> list[str]:
    """The section on the stored graphs beside the trained model."""
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
