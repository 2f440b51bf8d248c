"""The part of a model card on what the answers can be trusted with, as the bundle itself holds it."""

from __future__ import annotations

from multimodal.artifact import Manifest
from tables import table


def honesty(manifest: Manifest) -> list[str]:
    """How honest the probabilities are before and after their temperatures; empty for an older bundle."""
    rows = []
    for name, found in manifest.metrics.get("val", {}).items():
        told = found.get("calibration")
        if told is not None:
            before, after = told["before"], told["after"]
            pairs = [(before[key], after[key]) for key in ("nll", "brier", "ece")]
            pairs += zip(before["ece_levels"], after["ece_levels"], strict=True)
            rows.append([name.replace("+", " + "), f"{told['rows']:,}", *(f"{a:.4f} / {b:.4f}" for a, b in pairs)])
    if not rows:
        return []
    levels = [f"level {i}" for i in range(1, len(rows[0]) - 4)]
    return [
        "## Calibration",
        "",
        "Before / after the temperature of each mix of inputs, on the select half of val; temperatures were fitted on "
        "the other half. A level's ECE is that of its likeliest node, whose probability is the sum of its leaves'.",
        "",
        *table(["inputs", "rows", "NLL", "Brier", "ECE of leaves", *levels], rows),
        "",
    ]


def trust(manifest: Manifest) -> list[str]:
    """Promises of accuracy, candidates and conflicts by mix of inputs; empty for a bundle that holds none."""
    mixes = manifest.calibration.by_name()
    promises = [
        [name, f"{p.accuracy:.0%}", f"{p.threshold:.4f}", f"{p.mistakes:,} of {p.votes:,}",
         f"{100 * p.leaf_coverage:.1f} %", f"{p.mean_depth:.2f}"]
        for name, mix in mixes.items() for p in mix.promises
    ]  # fmt: skip
    candidates = [
        [name, f"{rule.coverage:.0%}", f"{rule.threshold:.4f}", f"{rule.mean_size:.2f}"]
        for name, mix in mixes.items()
        for rule in mix.candidates
    ]
    if not promises and not candidates:
        return []
    conflicts = [f"{name} {mix.conflict:.4f}" for name, mix in mixes.items() if mix.conflict is not None]
    lines = ["## What the answers can be trusted with", ""]
    if promises:
        head = ["inputs", "promised", "from probability", "mistakes of the test", "answered with a leaf", "mean depth"]
        lines += [
            "An answer goes up the tree until its probability is this high; then the promised share of the answers is "
            "right (the product belongs at or below the category). Tested on the calibrate half of val, one row a "
            "group; it holds on average, for products like these. Mixes and shares that are missing could not be "
            "promised.",
            "",
            *table(head, promises),
            "",
        ]
    lines += [
        "Candidates: the leaves from a probability on, which hold the right one at the rate asked for.",
        "",
        *table(["inputs", "rate", "from probability", "mean size"], candidates),
        "",
    ]
    if conflicts:
        lines += [
            "Text and photo contradict each other where the chance that they lie in different top-level branches is "
            f"above: {'; '.join(conflicts)}. Of the pairs that belong together, at most 1 % are.",
            "",
        ]
    return lines
