"""Whether a training made again comes to the same: figures of two bundles of one configuration, side by side.

    multimodal train configs/fashion.yaml --set output=out/again --set training.seed=3 --set image.epochs=1
    python benchmarks/again.py out/again --json benchmarks/results/again-fashion.json

Both bundles tell the figures of their validation rows as they were measured when they were exported; nothing is
measured here. What was changed for the second training is read from the two configurations.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from command import printed
from multimodal.artifact import Manifest, bundle_sha256, read_manifest
from multimodal.errors import DataError
from tables import table

_SHOWN = {"top1": "top-1", "hf1": "hF1", "ece": "ECE", "nll": "NLL"}
_ALIKE = ("name", "version", "output", "work_dir")
_BOUND = 0.005


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares and prints the table; 0 when done, 2 for bad usage or input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("second", type=Path, help="the bundle of the second training")
    parser.add_argument("--bundle", type=Path, default=Path("artifacts/fashion"), help="that of the first")
    parser.add_argument("--json", type=Path, help="where the card finds them: benchmarks/results/again-NAME.json")
    options = parser.parse_args(arguments)
    return printed(lambda: run(options))


def run(options: argparse.Namespace) -> str:
    """The table of both; DataError where their trees differ."""
    first, second = (read_manifest(folder) for folder in (options.bundle, options.second))
    if first.tree_version != second.tree_version:
        raise DataError(
            f"{options.second}: got a bundle over the tree {second.tree_version}, expected {first.tree_version}, that "
            f"of {options.bundle}; give two trainings of one configuration"
        )
    found = {
        "bundle": bundle_sha256(first),
        "changed": dict(changed(_config(first), _config(second))),
        "seconds": sum(second.provenance.get("stage_seconds", {}).values()),
        "mixes": {
            mix: {key: [first.metrics["val"][mix]["answer"][key], told["answer"][key]] for key in _SHOWN}
            for mix, told in second.metrics["val"].items()
            if "answer" in told and mix in first.metrics["val"]
        },
    }
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return "\n".join(lines(found))


def lines(found: Mapping[str, Any]) -> list[str]:
    """The second training's figures and how far they are from the first's."""
    rows, far = [], []
    for mix, figures in found["mixes"].items():
        apart = {key: second - first for key, (first, second) in figures.items()}
        rows.append([mix, *(f"{figures[key][1]:.4f} ({apart[key]:+.4f})" for key in _SHOWN)])
        if max(abs(apart["top1"]), abs(apart["hf1"])) > _BOUND:
            far.append(mix)
    changed = ", ".join(f"`{key}: {value}`" for key, value in found["changed"].items())
    told = f"further apart: {', '.join(far)}" if far else "none is further apart"
    return [
        f"The same configuration once more, with {changed or 'nothing changed'}; {found['seconds'] / 60:.0f} minutes "
        f"in epochs. Val at export, in brackets the difference from this bundle; within {_BOUND} of top-1 and hF1: "
        f"{told}.",
        "",
        *table(["sees", *_SHOWN.values()], rows),
    ]


def _config(manifest: Manifest) -> dict[str, Any]:
    told: dict[str, Any] = manifest.provenance.get("config", {})
    return {key: value for key, value in told.items() if key not in _ALIKE}


def changed(first: Any, second: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted name and second value of what two configurations say differently.

    Left out: paths of files, and what an earlier release's configuration had no word for.
    """
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in second:
            if key in first:
                yield from changed(first[key], second[key], f"{name}.{key}" if name else key)
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for at, pair in enumerate(zip(first, second, strict=True)):
            yield from changed(*pair, f"{name}.{at}")
    elif first != second and not (isinstance(second, str) and "/" in second):
        yield name, second


if __name__ == "__main__":
    raise SystemExit(main())
