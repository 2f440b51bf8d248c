"""Measures the shipped bundles and writes their figures where people read them.

    python benchmarks/publish.py                                       # validation rows, every shipped bundle
    python benchmarks/publish.py --bundle artifacts/grocery-ru         # one of them
    python benchmarks/publish.py --bundle artifacts/fashion --test     # and the test rows: once, at the end
    python benchmarks/publish.py --render                              # only write the pages again

Writes ``evaluation.json`` and ``MODEL_CARD.md`` into each bundle and the tables of README and notebooks, between
their markers. What the other benchmarks left in ``benchmarks/results/`` goes there too. Bundles and what they
are measured on stand in ``shipped.py``; what is not there yet is passed over, and its tables stay as they are.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bundle_figures import measure, read_evaluation
from card import model_card
from common_blocks import COMMON
from multimodal.artifact import LAYOUT, bundle_sha256, read_manifest, total_bytes
from multimodal.errors import DataError, MultimodalError
from notebook_pages import notebook_blocks, write_notebooks
from pages import accuracy_block, peers_block, replace_block
from readme_curve import curve_block
from shipped import RESULTS, ROOT, SHIPPED, Shipped, default_data, shipped_as, shipped_in
from summary_pages import Saved, summary_block

CURVES = tuple(RESULTS / f"curve-{name}.json" for name in ("fashion_products", "perekrestok_ru", "fused"))
Bundles = Sequence[tuple[Shipped, Path]]
_TOLD_OF = "fashion"
"""The bundle whose figures stand in the notebooks."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and writes; 0 when done, 2 for bad usage or input."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _options(given)
    try:
        bundles = _bundles(options)
        if options.render:
            write_pages(bundles, options.readme, options.notebooks)
            return 0
        splits = ("val", "test") if options.test else ("val",)
        for entry, folder in bundles:
            data = options.data or default_data(entry)
            measure(entry, folder, data, splits, options.threads, command(given, data))
            write_pages([(entry, folder)], options.readme, options.notebooks)
    except MultimodalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_pages(bundles: Bundles, readme: Path, notebooks: Path) -> None:
    """Writes the bundles' cards and the tables of README and notebooks from the figures on disk.

    Raises:
        DataError: nothing was measured yet, figures of another bundle, or a page without the markers.
    """
    for entry, folder in bundles:
        (folder / LAYOUT.card).write_text(card_of(entry, folder), encoding="utf-8")
    text = readme.read_text(encoding="utf-8")
    for name, body in readme_blocks(bundles).items():
        text = replace_block(text, name, body)
    readme.write_text(text, encoding="utf-8")
    for entry, folder in bundles:
        write_notebooks(notebooks, blocks_for_notebooks(entry, folder))


def blocks_for_notebooks(entry: Shipped, folder: Path) -> dict[str, str]:
    """Name of a block -> its Markdown, of the bundle that the notebooks tell of."""
    if entry.name != _TOLD_OF:
        return {}
    missing = RESULTS / f"missing-{entry.name}.json"
    return notebook_blocks(read_evaluation(folder), _json(missing) if missing.is_file() else None)


def card_of(entry: Shipped, folder: Path) -> str:
    """The model card of a bundle; DataError where its saved figures are those of another one."""
    manifest, evaluation = read_manifest(folder), read_evaluation(folder)
    if evaluation["bundle"]["sha256"] != bundle_sha256(manifest):
        raise DataError(
            f"{folder / LAYOUT.evaluation}: got figures of the bundle {evaluation['bundle']['sha256'][:12]}…, expected "
            f"{bundle_sha256(manifest)[:12]}…; measure this bundle: leave --render out"
        )
    saved = RESULTS / f"again-{entry.name}.json"
    second = _json(saved) if saved.is_file() else None
    if second is not None and second["bundle"] != bundle_sha256(manifest):
        second = None  # of the bundle before
    return model_card(entry, manifest, evaluation, total_bytes(folder), second)


def readme_blocks(bundles: Bundles) -> dict[str, str]:
    """Name of a block -> its Markdown; peers, latency and the like only where they were measured."""
    blocks = {}
    for entry, folder in bundles:
        manifest, evaluation = read_manifest(folder), read_evaluation(folder)
        blocks[entry.block] = accuracy_block(entry, manifest, evaluation, total_bytes(folder))
        if entry.peers.is_file():
            blocks[entry.peers_block] = peers_block(_json(entry.peers))
    for name, block in COMMON.items():
        if (RESULTS / f"{name}.json").is_file():
            blocks[name] = block(_json(RESULTS / f"{name}.json"))
    curves = [_json(file) for file in CURVES if file.is_file()]
    if curves:
        blocks["curve"] = curve_block(curves)
    saved = _saved()
    if saved is not None:
        blocks["summary"] = summary_block(saved)
    return blocks


def _saved() -> Saved | None:
    """What the summary tells of, or None where some of it is not measured yet."""
    english, russian = shipped_as(_TOLD_OF), shipped_as("grocery-ru")
    common = [RESULTS / f"{name}.json" for name in (f"trust-{_TOLD_OF}", "latency", "serving")]
    if any(entry.missing() for entry in SHIPPED) or not all(
        file.is_file() for file in (english.peers, russian.peers, *CURVES, *common)
    ):
        return None
    trust, latency, serving = map(_json, common)
    return Saved(
        english=_json(english.peers),
        russian=_json(russian.peers),
        curves=[_json(file) for file in CURVES],
        evaluation=read_evaluation(english.folder),
        trust=trust,
        latency=latency,
        serving=serving,
        megabytes=[total_bytes(entry.folder) / 1e6 for entry in SHIPPED],
    )


def command(given: Sequence[str], data: Path) -> str:
    """The command as another machine would type it: the data's own place becomes $MULTIMODAL_DATA."""
    portable = f"$MULTIMODAL_DATA/{data.name}"
    words = [word.replace(str(data), portable) for word in given]
    return " ".join(["python", "benchmarks/publish.py", *(w if portable in w else shlex.quote(w) for w in words)])


def _bundles(options: argparse.Namespace) -> Bundles:
    """The bundle asked for, or every shipped one that is there (and measured, where that is needed)."""
    if options.bundle is not None:
        return [(shipped_in(options.bundle), options.bundle)]
    found = []
    for entry in SHIPPED:
        reason = entry.missing(figures=options.render)
        if reason is None:
            found.append((entry, entry.folder))
        else:
            print(f"{entry.name}: passed over, {reason}", file=sys.stderr)
    return found


def _json(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, help="folder of one shipped bundle; every one that is there unless said")
    parser.add_argument("--data", type=Path, help="folder of its splits, where they are not in MULTIMODAL_DATA")
    parser.add_argument("--test", action="store_true", help="measure the test split too; for closing figures")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the pages from saved figures")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks", help="folder of those with figures")
    parser.add_argument("--threads", type=int, help="threads to compute with")
    options = parser.parse_args(arguments)
    if options.data is not None and options.bundle is None:
        parser.error("--data: it is the data set of one bundle, expected --bundle beside it")
    return options


if __name__ == "__main__":
    sys.exit(main())
