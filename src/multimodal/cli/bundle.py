"""``multimodal bundle``: what a bundle holds, and whether it is what was exported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multimodal.cli.console import FIGURES, print_json, stdout
from multimodal.errors import BundleError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from multimodal.artifact import Bundle, Calibration
    from multimodal.artifact.manifest import TextSpec

app = typer.Typer(no_args_is_help=True, help="Look into a bundle, or check it.")

BundleArgument = Annotated[Path, typer.Argument(help="Folder of the bundle.")]
_BRIEF = ("rows", "top1", "top2", "macro_f1", "hf1", "ece")
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@app.command()
def inspect(bundle: BundleArgument, as_json: JsonOption = False) -> None:
    """Shows name, capabilities, tree, files, figures, calibration and provenance.

    \b
    Example:
      multimodal bundle inspect artifacts/fashion
    """
    from multimodal.artifact import bundle_sha256, open_bundle, total_bytes

    opened = open_bundle(bundle, verify=False)
    digest = bundle_sha256(opened.manifest)
    if as_json:
        extra = {"path": str(bundle), "sha256": digest, "bytes": total_bytes(bundle)}
        print_json({**opened.manifest.model_dump(mode="json"), **extra})
        return
    console = stdout()
    console.print(_summary(opened, digest))
    console.print(_files(opened))
    _print_figures(console, opened.manifest.metrics)
    console.print(_calibration(opened.manifest.calibration))
    _print_provenance(console, opened.manifest.provenance)


@app.command()
def verify(bundle: BundleArgument, as_json: JsonOption = False) -> None:
    """Compares every file with its hash, then loads the model; exit code 2 when something differs.

    \b
    Example:
      multimodal bundle verify artifacts/fashion
    """
    from multimodal.artifact import read_manifest, verify_bundle

    problems = verify_bundle(bundle)
    if as_json:
        print_json({"path": str(bundle), "ok": not problems, "problems": problems})
    if problems:
        raise BundleError(
            f"{bundle}: {'; '.join(problems)}; expected the files as they were exported. "
            "Fetch or export the bundle again."
        )
    from multimodal import load

    load(bundle)
    files = read_manifest(bundle).files
    if not as_json:
        said = f"{bundle}: {len(files)} files match their hashes and the model loads."
        stdout().print(said, markup=False, soft_wrap=True)


def _summary(bundle: Bundle, digest: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    from multimodal.artifact import total_bytes

    manifest, tree = bundle.manifest, bundle.tree
    able = [name for name, there in manifest.capabilities.items() if there]
    title = Text(f"{manifest.name} {manifest.version}")
    table = Table(show_header=False, title=title, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")
    for key, value in {
        "made": f"{manifest.created} with {manifest.made_with}",
        "inputs": ", ".join(manifest.inputs),
        "heads": ", ".join(manifest.heads),
        "capabilities": ", ".join(able) or "–",
        "tree": f"{len(tree)} categories, {len(tree.leaves)} leaves, {tree.levels} levels ({tree.version})",
        "text": _text(manifest.text) if manifest.text else "–",
        "photo": f"{manifest.image.backbone}, {manifest.image.storage}" if manifest.image else "–",
        "needs": ", ".join(f"[{extra}]" for extra in manifest.requires) or "the core install",
        "size": f"{total_bytes(bundle.path) / 1e6:.2f} MB",
        "sha256": digest,
    }.items():
        table.add_row(key, Text(value))
    return table


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


def _files(bundle: Bundle) -> Table:
    from rich.table import Table

    table = Table("file", title="Files", title_justify="left")
    table.add_column("MB", justify="right")
    table.add_column("sha256")
    for name, entry in bundle.manifest.files.items():
        table.add_row(name, f"{entry.bytes / 1e6:.3f}", entry.sha256[:16] + "…")
    return table


def _print_figures(console: Console, metrics: Mapping[str, Any]) -> None:
    """A row for each group of figures, however deep the manifest keeps it."""
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    rows = [(name, figures) for name, figures in _groups(metrics) if any(key in figures for key in FIGURES)]
    if not rows:
        return
    table = Table(title="Metrics", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column(overflow="fold", min_width=24)
    columns = [key for key in _BRIEF if any(key in figures for _, figures in rows)]
    for key in columns:
        table.add_column(FIGURES[key], justify="right", min_width=6)
    for name, figures in rows:
        table.add_row(Text(name), *(_shown(figures.get(key)) for key in columns))
    console.print(table)


def _groups(node: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, dict[str, float]]]:
    numbers = {k: v for k, v in node.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    if numbers:
        yield name or "all", numbers
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _groups(value, f"{name} · {key}" if name else key)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else f"{value:,}"


def _calibration(calibration: Calibration) -> Table:
    from rich.table import Table

    table = Table("inputs", "answered by", title="Calibration", title_justify="left")
    table.add_column("temperature", justify="right")
    table.add_column("slope", justify="right")
    table.add_column("weights")
    for name, fit in calibration.by_name().items():
        weights = ", ".join(f"{head} {weight:.3g}" for head, weight in fit.weights.items())
        table.add_row(name, fit.chosen, f"{fit.temperature:.3f}", f"{fit.slope:+.3f}", weights)
    return table


def _print_provenance(console: Console, provenance: Mapping[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    if not provenance:
        return
    table = Table(show_header=False, title="Provenance", title_justify="left")
    for key, value in _flat({k: v for k, v in provenance.items() if k != "config"}):
        table.add_row(Text(key), Text(value))
    if "config" in provenance:
        table.add_row("config", "whole in manifest.json; see bundle inspect --json")
    console.print(table)


def _flat(node: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, str]]:
    for key, value in node.items():
        where = f"{name}.{key}" if name else key
        if isinstance(value, Mapping):
            yield from _flat(value, where)
        else:
            yield where, f"{value:.6g}" if isinstance(value, float) else str(value)
