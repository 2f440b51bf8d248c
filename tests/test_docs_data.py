"""Every form of a catalog that docs/data.md shows is written, trained on and classified, as the page says."""

from __future__ import annotations

import csv
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from multimodal.cli.main import app

ROOT = Path(__file__).parents[1]
PRODUCTS = 160
QUICK = (
    "image.epochs=1",
    "image.size=[64, 48]",
    "image.caption_words=0",
    "image.mirror=false",
    "text.epochs=1",
    "fusion.epochs=1",
    "fusion.folds=0",
)
"""As short as it gets: the page promises that each form trains and classifies, not how well."""


@dataclass(frozen=True)
class Form:
    """One section of the page: its commands and its configuration."""

    name: str
    commands: tuple[str, ...]
    config: str


def forms() -> list[Form]:
    found = []
    text = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        told = dict(re.findall(r"^```(sh|yaml)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE))
        if {"sh", "yaml"} <= set(told):
            commands = tuple(line for line in told["sh"].splitlines() if line.startswith("multimodal "))
            found.append(Form(section.splitlines()[0], commands, told["yaml"]))
    return found


def test_the_page_shows_every_form() -> None:
    assert len(forms()) >= 8


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.name.lower().replace(" ", "_"))
def test_a_configuration_has_about_ten_lines(form: Form) -> None:
    assert len(form.config.strip().splitlines()) <= 12


def rows_of(file: Path) -> int:
    if file.suffix == ".parquet":
        return int(pq.read_metadata(file).num_rows)
    if file.suffix == ".jsonl":
        return len(file.read_text(encoding="utf-8").splitlines())
    with file.open(encoding="utf-8", newline="") as stream:
        return sum(1 for _ in csv.DictReader(stream))


@pytest.mark.slow
@pytest.mark.parametrize("form", forms(), ids=lambda form: form.name.lower().replace(" ", "_"))
def test_a_form_trains_and_classifies(form: Form, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artifacts").symlink_to(ROOT / "artifacts")
    (tmp_path / "shop.yaml").write_text(form.config, encoding="utf-8")
    sections = yaml.safe_load(form.config)
    quick = [setting for setting in QUICK if sections.get(setting.split(".")[0], {}) is not None]
    if sections.get("text", {}) is None:
        quick = [setting for setting in quick if not setting.startswith("fusion.")]
    for command in form.commands:
        words = shlex.split(command)[1:]
        if words[0] == "sample":
            words += ["--products", str(PRODUCTS), "--seed", "3"]
        if words[0] == "train":
            words += [word for setting in quick for word in ("--set", setting)]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, f"{command}:\n{result.output}\n{result.exception!r}"
    output = tmp_path / next(w[w.index("--output") + 1] for w in map(shlex.split, form.commands) if "--output" in w)
    test_rows = rows_of(tmp_path / "out" / "test.parquet") if (tmp_path / "out" / "test.parquet").exists() else None
    answered = rows_of(output)
    assert answered > 0
    if test_rows is not None:
        assert answered == test_rows
