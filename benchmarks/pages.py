"""The README's blocks of measured figures. Reads nothing, measures nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from multimodal.artifact import Manifest, bundle_sha256
from multimodal.errors import DataError
from shipped import Shipped
from tables import FIGURES, accuracy, cell, larger, phone, table


def replace_block(text: str, name: str, body: str) -> str:
    """``text`` with ``body`` between the markers of a block.

    Raises:
        DataError: the markers are not there exactly once.
    """
    begin, end = f"<!-- figures:{name} -->", f"<!-- /figures:{name} -->"
    found = re.findall(f"{re.escape(begin)}.*?{re.escape(end)}", text, re.DOTALL)
    if len(found) != 1 or text.count(begin) != 1:
        raise DataError(
            f"README: got {text.count(begin)} blocks {begin}, expected one that ends with {end}; put both lines back"
        )
    return text.replace(found[0], f"{begin}\n{body.strip()}\n{end}")


def accuracy_block(entry: Shipped, manifest: Manifest, evaluation: Mapping[str, Any], bytes_: int) -> str:
    """The README's table of a bundle's accuracy."""
    val = evaluation["splits"]["val"]
    return "\n".join(
        [
            *accuracy(evaluation, FIGURES),
            "",
            *_bars(entry, val["cases"]),
            *phone(evaluation),
            *larger(evaluation),
            f"Bundle `{manifest.name}` {manifest.version}, {bytes_ / 1e6:.2f} MB, sha256 "
            f"`{bundle_sha256(manifest)[:12]}…`. Made by `{val['command']}`.",
        ]
    )


def _bars(entry: Shipped, cases: Mapping[str, Any]) -> list[str]:
    """Top-1 on val beside what it is held to, where it is held to something."""
    told = []
    for case in entry.cases:
        if case.bar is not None:
            top1 = cases[case.name]["heads"]["fused"]["top1"]
            short = f"short by {100 * (case.bar - top1):.2f} points" if top1 < case.bar else "met"
            told.append(f"{case.name} {top1:.4f}, bar {case.bar:.3f}, {short}")
    return [f"Top-1 on val beside the bars set for it: {'; '.join(told)}.", ""] if told else []


def peers_block(result: Mapping[str, Any]) -> str:
    """The README's table of our text head beside others, from the JSON of ``accuracy.py``."""
    rows = []
    for case in result["cases"]:
        for name, figures in case["systems"].items():
            low, high = figures["top1_interval"]
            rows.append(
                [case["name"], name, f"{figures['top1']:.4f} [{low:.4f}, {high:.4f}]"]
                + [cell(figures[key]) for key in ("hf1", "macro_f1", "macro_f1_10")]
                + [_points(case["ours_less"].get(name))]
            )
    head = ["inputs", "model", "top-1 [95 %]", "hF1", "macro F1", FIGURES["macro_f1_10"]]
    measured = f"{result['data']}, {result['split']}, {result['rows']['measured']:,} rows"
    note = "Brackets: bootstrap over groups of rows that share a title or photo; differences are paired, of top-1."
    return "\n".join([*table([*head, "ours less this, points [95 %]"], rows, left=2), "", f"{measured}. {note}"])


def latency_block(figures: Mapping[str, Any]) -> str:
    """The README's table of speed and size, from the JSON of ``latency.py``."""
    keys = ("server_p50_ms", "server_p99_ms", "client_p50_ms", "client_p99_ms")
    rows = [[row["sent"], *(f"{row[key]:.2f}" for key in keys)] for row in figures["latency"]]
    what = [
        [f"cold start to the first answer ({figures['latency'][0]['sent']})", f"{figures['cold_start_s']:.2f} s"],
        ["resident memory of the service", f"{figures['resident_mb']:.0f} MB"],
    ]
    if "titles_per_second" in figures:
        what.append(["titles a second in batches, two threads", f"{figures['titles_per_second']:,.0f}"])
    if "install_mb" in figures:
        what.append(["core + serve, installed", f"{figures['install_mb']:.0f} MB"])
    machine = figures["machine"]
    return "\n".join(
        [
            *table(["sent", "server p50, ms", "server p99, ms", "client p50, ms", "client p99, ms"], rows),
            "",
            *table(["what", "figure"], what),
            "",
            f"One worker, one thread, {figures['requests']} requests of each kind, one at a time; "
            f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}.",
        ]
    )


def _points(comparison: Mapping[str, float] | None) -> str:
    if comparison is None:
        return "–"
    d, low, high = (100 * comparison[key] for key in ("difference", "low", "high"))
    return f"{d:+.2f} [{low:+.2f}, {high:+.2f}]"


def memory_block(figures: Mapping[str, Any]) -> str:
    """The README's sentence on the memory that reading takes, from the JSON of ``memory.py``."""
    worst = max(figures["formats"], key=lambda row: row["ratio"])
    times = worst["large"]["rows"] / worst["small"]["rows"]
    return (
        f"Reading a catalog of any of {len(figures['formats'])} forms and preparing its photos takes at most "
        f"{worst['ratio']:.2f} times the memory when the file is {times:.0f} times larger ({worst['format']})."
    )


def clothes_phone_block(document: Mapping[str, Any]) -> str:
    """The README's sentence on photos from phones, from the JSON of ``multimodal evaluate``."""
    found = document["heads"]["image"]
    return (
        "The shipped photo tower, trained on with 2,600 photos of clothes taken at home with phones, tells their ten "
        f"kinds on the {found['rows']:,} photos of val with top-1 {found['top1']:.4f} and top-2 {found['top2']:.4f} "
        f"(macro F1 {found['macro_f1']:.4f}, ECE {found['ece']:.3f}). An Xception with ImageNet weights has published "
        "0.80 at 150 pixels, on a test split of its own."
    )
