"""What serves imports no torch: proved in processes of their own, with the training stack shut out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "torch", "torchvision", "transformers", "timm", "lightning", "pandas", "sklearn", "sentence_transformers",
    "onnx",
)  # fmt: skip
ENTRANCES = (
    "multimodal",
    "multimodal.serving",
    "multimodal.serving.evaluate",
    "multimodal.serving.files",
    "multimodal.cli.main",
    "multimodal_api.app",
)

SHUT_OUT = f"""
import sys

class Bouncer:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"{{name}} is shut out", name=name)

sys.meta_path.insert(0, Bouncer())
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("module", ENTRANCES)
def test_importing_brings_in_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}\nprint(*sorted({{n.partition('.')[0] for n in sys.modules}} & set({HEAVY!r})))"
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("module", ENTRANCES)
def test_it_works_where_torch_cannot_be_imported(module: str) -> None:
    done = run(f"{SHUT_OUT}\nimport {module}")
    assert done.returncode == 0, done.stderr


def test_the_bouncer_shuts_out() -> None:
    done = run(f"{SHUT_OUT}\nimport torch")
    assert done.returncode != 0
    assert "torch is shut out" in done.stderr


def test_train_without_torch_names_the_extra(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "{name: x, output: out, tree: {from_paths: true}, data: {train: [{path: a.csv}], val: [{path: b.csv}]}}",
        encoding="utf-8",
    )
    command = ["multimodal", "train", str(config)]
    done = run(f"{SHUT_OUT}\nfrom multimodal.cli.main import main\nsys.argv = {command!r}\nmain()")
    assert done.returncode == 2
    assert "pip install 'multimodal[train]'" in done.stderr
    assert "Traceback" not in done.stderr
