"""``multimodal data``: public downloads and single files become what configurations read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multimodal.cli import profile, split
from multimodal.cli.console import leave, print_json, progress, stdout

if TYPE_CHECKING:
    from multimodal.data.imports import ImportReport

app = typer.Typer(
    no_args_is_help=True,
    help="Explore a catalog, divide a file, or import a public set.",
    rich_markup_mode="rich",
)
imports = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Turns a public download into parquet files by splits and a category tree. The download is only read.",
)
app.command("profile")(profile.profile)
app.command("split")(split.split)
app.add_typer(imports, name="import")

DownloadArgument = Annotated[Path, typer.Argument(metavar="DOWNLOAD", help="Folder the download was unpacked to.")]
OutArgument = Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; created if missing.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]


class Layout(StrEnum):
    """How photos are written."""

    parquet = "parquet"
    folder = "folder"


@imports.command("fashion-products")
def fashion_products(download: DownloadArgument, out: OutArgument, as_json: JsonOption = False) -> None:
    """Fashion Product Images: titles, characteristics, photos; a tree of three levels.

    DOWNLOAD has styles.csv and the folder images. Get "Fashion Product Images (Small)" from
    https://www.kaggle.com/datasets/paramaggarwal/fashion-product-images-small (600 MB), or the full set of
    larger photos, which has the same layout.

    Writes train, val and test (80, 10 and 10 % of each category) as parquet and categories_tree.csv.
    Products that share a title or a photo stay together.

    \b
    Example:
      multimodal data import fashion-products Downloads/fashion data/fashion_products
    """
    from multimodal.data.imports import import_fashion_products
    from multimodal.text.alike import title_key

    _finish(import_fashion_products(download, out, title_key=title_key, steps=progress), as_json)


@imports.command("fashion-mnist")
def fashion_mnist(
    download: DownloadArgument,
    out: OutArgument,
    layout: Annotated[Layout, typer.Option(help="A parquet file a split, or folders of PNG photos.")] = Layout.parquet,
    val: Annotated[int, typer.Option(min=1, help="Photos of the training file to hold out for validation.")] = 5000,
    as_json: JsonOption = False,
) -> None:
    """Fashion-MNIST: small grey photos of ten classes in five groups.

    DOWNLOAD has train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
    t10k-labels-idx1-ubyte, each as it is or with .gz at the end. Get them from
    https://github.com/zalandoresearch/fashion-mnist#get-the-data (30 MB).

    \b
    Examples:
      multimodal data import fashion-mnist Downloads/fashion-mnist data/fashion_mnist
      multimodal data import fashion-mnist Downloads/fashion-mnist data/photos --layout folder
    """
    from multimodal.data.imports import import_fashion_mnist

    _finish(import_fashion_mnist(download, out, layout=layout.value, val=val, steps=progress), as_json)


@imports.command("kazan-express")
def kazan_express(download: DownloadArgument, out: OutArgument, as_json: JsonOption = False) -> None:
    """Kazan Express: Russian titles, descriptions and characteristics; no photos.

    DOWNLOAD has categories_tree.csv (id, title, parent_id) and train.parquet (id, title, short_description,
    name_value_characteristics, rating, feedback_quantity, category_id). The marketplace handed them out with
    a public test task: https://drive.google.com/drive/folders/194JOoKDZCkmpBglf7Fs7hlzk5xXJSYgI. Any catalog
    of the same layout will do; of the columns only title and category_id must be there.

    Writes checked rows as train, val and test (80, 10 and 10 % of each category) in parquet and
    categories_tree.csv. Products that share a title stay together.

    \b
    Example:
      multimodal data import kazan-express Downloads/ke data/kazan_express
    """
    from multimodal.data.imports import import_kazan_express
    from multimodal.text.alike import title_key

    _finish(import_kazan_express(download, out, title_key=title_key, steps=progress), as_json)


def _finish(report: ImportReport, as_json: bool) -> None:
    if as_json:
        print_json(report.to_dict())
    else:
        _say(report)
    leave(report.errors, report.errors_file, "were left out")


def _say(report: ImportReport) -> None:
    rows = ", ".join(f"{count:,} in {split}" for split, count in report.rows.items())
    notes = "".join(f"; {count:,} {name.replace('_', ' ')}" for name, count in report.notes.items())
    lines = (
        f"Wrote {report.folder}: {rows}; {report.leaves:,} leaves of {report.categories:,} categories{notes}.",
        "In a configuration:",
        f"  tree: {{path: {report.tree}}}",
        "  data:",
        *(f"    {split}: [{{path: {report.files[split]}}}]" for split in ("train", "val")),
    )
    console = stdout()
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
