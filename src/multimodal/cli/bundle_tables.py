"""What ``multimodal bundle inspect`` shows of a bundle, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from multimodal.cli.console import FIGURES, stdout
from multimodal.cli.evaluate_labels import print_labels
from multimodal.types import INPUTS

if TYPE_CHECKING:
    from rich.table import Table

    from multimodal.artifact import Bundle, Calibration, Manifest
    from multimodal.artifact.manifest import ImageSpec, TextSpec

_BRIEF = ("top1", "top2", "macro_f1", "hf1", "ece", "nll")


def print_bundle(bundle: Bundle, digest: str) -> None:
    """Prints what it is, its files, figures and calibration, and where it comes from."""
    console, manifest = stdout(), bundle.manifest
    console.print(_summary(bundle))
    console.print(f"sha256 {digest}", soft_wrap=True, highlight=False)  # whole, to be copied
    console.print(_files(manifest))
    val = manifest.metrics.get("val", {})
    answers = {name: told["answer"] for name, told in val.items() if isinstance(told.get("answer"), Mapping)}
    if answers:
        console.print(_figures(answers))
    print_labels(val)
    console.print(_calibration(manifest.calibration))
    if manifest.provenance:
        console.print(_provenance(manifest.provenance))


def _table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    from rich.table import Table

    table = Table(*columns, title=title, title_justify="left")
    for name in right:
        table.add_column(name, justify="right")
    return table


def _pairs(title: str, rows: Mapping[str, str]) -> Table:
    """A table of names and what is told of them."""
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, title=Text(title), title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(Text(name), Text(value))
    return table


def _summary(bundle: Bundle) -> Table:
    from multimodal.artifact import total_bytes

    manifest, tree = bundle.manifest, bundle.tree
    able = [name for name, there in manifest.capabilities.items() if there]
    told = {
        "made": f"{manifest.created} with {manifest.made_with}",
        "inputs": ", ".join(manifest.inputs),
        "heads": ", ".join(manifest.heads),
        "capabilities": ", ".join(able) or "–",
        "tree": f"{len(tree)} categories, {len(tree.leaves)} leaves, {tree.levels} levels ({tree.version})",
        "text": _text(manifest.text) if manifest.text else "–",
        "photo": _photo(manifest.image) if manifest.image else "–",
        "needs": ", ".join(f"[{extra}]" for extra in manifest.requires) or "the core install",
        "size": f"{total_bytes(bundle.path) / 1e6:.2f} MB",
    }
    return _pairs(f"{manifest.name} {manifest.version}", told)


def _photo(image: ImageSpec) -> str:
    again = f"; looked at twice below {image.second_look:g} where nothing else answers" if image.second_look else ""
    return f"{image.backbone}, {image.storage}{again}"


def _text(text: TextSpec) -> str:
    """Each encoder with its rows, width, storage and origin; a line each."""
    from multimodal.artifact.manifest import EncoderSpec

    lines = []
    for name in text.names:
        # Bundles of before there were several encoders tell of all together alone.
        spec = text.encoders.get(name) or EncoderSpec(vocabulary=text.vocabulary, dim=text.dim)
        storage = text.sentence.storage if name == "sentence" and text.sentence else text.storage
        origin = f", from {spec.origin}" if spec.origin else ""
        lines.append(f"{name}: {spec.vocabulary:,} × {spec.dim}, {storage}{origin}")
    return "\n".join(lines)


def _files(manifest: Manifest) -> Table:
    table = _table("Files", "file", right=("MB",))
    table.add_column("sha256")
    for name, entry in manifest.files.items():
        table.add_row(name, f"{entry.bytes / 1e6:.3f}", entry.sha256[:16] + "…")
    return table


def _figures(answers: Mapping[str, Mapping[str, Any]]) -> Table:
    """What answers each mix of inputs, on the validation rows that have it."""
    keys = [key for key in _BRIEF if any(key in figures for figures in answers.values())]
    table = _table("Answers on validation rows", "sees", right=("rows", *(FIGURES[key] for key in keys)))
    table.padding = (0, 0, 0, 1)
    table.columns[0].min_width = max(map(len, INPUTS))  # whole names, within 80 signs
    for name, figures in answers.items():
        cells = (f"{figures[key]:.4f}" if key in figures else "–" for key in keys)
        table.add_row(name.replace("+", " + "), f"{figures.get('rows', 0):,}", *cells)
    return table


def _calibration(calibration: Calibration) -> Table:
    table = _table("Calibration", "sees", "answered by", right=("temperature", "slope"))
    table.add_column("weights")
    for name, fit in calibration.by_name().items():
        weights = ", ".join(f"{head} {weight:.2f}" for head, weight in fit.weights.items())
        table.add_row(name, fit.chosen, f"{fit.temperature:.3f}", f"{fit.slope:+.3f}", weights)
    return table


def _provenance(provenance: Mapping[str, Any]) -> Table:
    told = dict(_lines({name: value for name, value in provenance.items() if name != "config"}))
    if "config" in provenance:
        told["config"] = "whole in manifest.json; see bundle inspect --json"
    return _pairs("Provenance", told)


def _lines(node: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """A line for each value, and one for each mapping that holds values alone."""
    for name, value in node.items():
        where = f"{above} {name}".strip().replace("_", " ")
        if not isinstance(value, Mapping):
            yield where, _value(value)
        elif any(isinstance(inner, Mapping) for inner in value.values()):
            yield from _lines(value, where)
        elif value:
            yield where, ", ".join(f"{key} {_value(inner)}" for key, inner in value.items())


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "–"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
