"""What the commands of the benchmarks share."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from multimodal.errors import MultimodalError


def split_parser(description: str | None) -> argparse.ArgumentParser:
    """The options of a benchmark that measures a bundle on a split of the sets it was trained on."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=Path("artifacts/fashion"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of all sets")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--test", action="store_true", help="the test split instead of val; once, when all is chosen")
    parser.add_argument("--json", type=Path)
    return parser


def printed(table: Callable[[], str]) -> int:
    """Prints what ``table`` makes, or the error it raises; the exit code: 0 when done, 2 for bad usage or input."""
    try:
        print(table())
    except MultimodalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def show(figures: Mapping[str, Any], text: str, save_as: Path | None) -> None:
    """Prints a table, and writes its figures as JSON where a file is named."""
    print(text)
    if save_as is not None:
        save_as.parent.mkdir(parents=True, exist_ok=True)
        save_as.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n", encoding="utf-8")
