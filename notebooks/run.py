"""Runs a notebook from top to bottom in a fresh kernel and keeps its outputs in the file.

python notebooks/run.py notebooks/01_explore.ipynb      # or several; needs the extras [dev], [train] and [report]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 900
"""Most that one cell may take."""


def run(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with the outputs of a fresh run in the repository's root; a cell's exception comes out."""
    settings = Config()
    settings.KernelManager.transport = "ipc"  # what a notebook prints is nobody else's business
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", record_timing=False, config=settings,
        resources={"metadata": {"path": str(ROOT)}},
    )  # fmt: skip
    return client.execute()


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs notebooks and writes them back with their outputs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", type=Path, nargs="+")
    for file in parser.parse_args(arguments).notebooks:
        done = run(nbformat.read(file, as_version=4))
        for cell in done.cells:
            cell.metadata.clear()
            for output in cell.get("outputs", ()):
                if {"image/png", "image/jpeg"} <= output.get("data", {}).keys():
                    del output["data"]["image/png"]  # photos are told twice, and JPEG is enough
        done.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
        nbformat.write(done, file)


if __name__ == "__main__":
    main()
