"""The house stays as drawn in CONTRIBUTING.md: floors import only downwards, torch lives in the wing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (ROOT / "src" / "multimodal", ROOT / "api" / "multimodal_api")
MAX_LINES = 400

# A package -> its height. Packages of one height do not import each other.
FLOORS = {
    "multimodal.types": 0,
    "multimodal.errors": 0,
    "multimodal.protocols": 0,
    "multimodal.numeric": 0,
    "multimodal.cores": 0,
    "multimodal.csv_reading": 0,
    "multimodal.options": 0,
    "multimodal.taxonomy": 10,
    "multimodal.config": 10,
    "multimodal.data": 20,
    "multimodal.text": 20,
    "multimodal.image": 20,
    "multimodal.artifact": 30,
    "multimodal.evaluation": 30,
    "multimodal.models": 31,
    "multimodal.training": 32,
    "multimodal.export": 33,
    "multimodal.serving": 40,
    "multimodal.profile": 41,
    "multimodal.store": 45,
    "multimodal.client": 45,
    "multimodal.bench": 45,
    "multimodal.catalog": 50,
    "multimodal.report": 50,
    "multimodal.cli": 60,
    "multimodal_api": 60,
}
GROUND = {name for name, height in FLOORS.items() if height == 0}
WING = {"multimodal.models", "multimodal.training", "multimodal.export"}
WING_DOORS = {"multimodal.cli.train", "multimodal.cli.ablate", "multimodal.cli.bundle_calibrate"}
"""Modules above the wing that may enter it, inside a function only."""
FRONT = "multimodal"
"""The package itself: ``from multimodal import load`` reaches the serving floor and no higher."""
FRONT_HEIGHT = 45

HEAVY = {
    "torch", "torchvision", "timm", "transformers", "sentence_transformers", "lightning", "torchmetrics",
    "tensorboard", "onnx", "onnxscript", "pandas", "sklearn",
}  # fmt: skip


def module_name(file: Path) -> str:
    package = next(root for root in PACKAGES if file.is_relative_to(root))
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, Path]:
    return {module_name(file): file for root in PACKAGES for file in sorted(root.rglob("*.py"))}


MODULES = modules()


def room(module: str) -> str | None:
    """The package of ``FLOORS`` that a module belongs to; None for the front itself."""
    found = [name for name in FLOORS if module == name or module.startswith(name + ".")]
    return found[0] if found else None


def height(module: str) -> int:
    name = room(module)
    return FRONT_HEIGHT if name is None else FLOORS[name]


def imports(module: str, source: str, is_package: bool = False) -> Iterator[tuple[str, bool]]:
    """Absolute name of everything imported anywhere in ``source``, and whether inside a function.

    What ``from a import b`` takes is named ``a.b``, be it a module or not; so is what is taken from the
    front by ``import multimodal`` and ``multimodal.b``.
    """
    tree = ast.parse(source)
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in inner) for alias in node.names if alias.name != FRONT)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == FRONT:
            yield f"{FRONT}.{node.attr}", id(node) in inner
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                above = parts[: len(parts) - node.level + is_package]
                base = ".".join([*above, *([base] if base else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}", id(node) in inner


def broken_rules(module: str, source: str, is_package: bool = False) -> list[str]:
    """What a module imports against the house's rules, in words."""
    own, broken = room(module), []
    for name, inside in imports(module, source, is_package):
        top = name.partition(".")[0]
        if top in HEAVY and own not in WING:
            broken.append(f"{module} imports {name}, which belongs to the wing (models, training, export)")
        if top not in {"multimodal", "multimodal_api"}:
            continue
        target = room(name)
        if target == own:
            continue
        if target in WING and own not in WING:
            if module not in WING_DOORS or not inside:
                broken.append(f"{module} enters the wing: {name}")
        elif {own, target} <= GROUND or name == f"{FRONT}.__version__":
            continue  # the ground is one room, and the version is no room at all
        elif height(name) >= height(module):
            broken.append(f"{module} (height {height(module)}) imports {name} (height {height(name)})")
    return broken


def test_floors_import_only_downwards() -> None:
    broken = [
        rule
        for module, file in MODULES.items()
        for rule in broken_rules(module, file.read_text(encoding="utf-8"), file.name == "__init__.py")
    ]
    assert broken == []


def test_every_module_has_a_floor() -> None:
    homeless = [module for module in MODULES if module != FRONT and room(module) is None]
    assert homeless == [], "give them a floor in FLOORS"


def test_modules_stay_small() -> None:
    lines = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in MODULES.items()}
    assert {name: n for name, n in lines.items() if n > MAX_LINES} == {}, "split them by duty"


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("multimodal.text.tokens", "from multimodal.serving import Predictor"),
        ("multimodal.text.tokens", "from multimodal.data import read_source"),
        ("multimodal.text.tokens", "from ..serving.predictor import Predictor"),
        ("multimodal.text.tokens", "from .. import serving"),
        ("multimodal.text.tokens", "from multimodal import artifact"),
        ("multimodal.text.tokens", "from multimodal import load"),
        ("multimodal.text.tokens", "import multimodal\nmultimodal.load('x')"),
        ("multimodal.text.tokens", "def f():\n    import multimodal.cli.main"),
        ("multimodal.taxonomy.tree", "from multimodal.config import RunConfig"),
        ("multimodal.artifact.bundle", "import multimodal.evaluation.metrics"),
        ("multimodal.errors", "import multimodal.taxonomy"),
        ("multimodal.serving.predictor", "def f():\n    from multimodal.training.run import train"),
        ("multimodal.cli.train", "from multimodal.training.run import train"),
        ("multimodal.cli.serve", "def f():\n    from multimodal.training.run import train"),
        ("multimodal.training.run", "import multimodal.serving"),
        ("multimodal.training.fit", "def f():\n    from multimodal.export.write import write_bundle"),
        ("multimodal.models.text", "from multimodal.training import fit"),
        ("multimodal.cli.serve", "import multimodal_api.app"),
        ("multimodal_api.app", "def f():\n    from multimodal.cli.main import app"),
        ("multimodal.serving.files", "class A:\n    def f(self):\n        import pandas as pd"),
        ("multimodal.evaluation.metrics", "if True:\n    from sklearn.metrics import f1_score"),
        ("multimodal.cli.train", "def f():\n    import torch"),
    ],
)
def test_a_broken_rule_is_seen(module: str, source: str) -> None:
    assert len(broken_rules(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("multimodal.text.tokens", "from multimodal.types import Product\nfrom .settings import x\nimport re"),
        ("multimodal.text.masking", "from ..taxonomy import Tree"),
        ("multimodal.errors", "from multimodal.types import Product"),
        ("multimodal.export.write", "import torch\nfrom multimodal.training.run import train"),
        ("multimodal.cli.train", "def f():\n    from multimodal.training.run import train"),
        ("multimodal.cli.classify", "from multimodal import load"),
        ("multimodal.export.write", "from multimodal import __version__"),
        ("multimodal.export.write", "import multimodal\nprint(multimodal.__version__)"),
        ("multimodal_api.app", "from multimodal.serving import Predictor"),
    ],
)
def test_what_is_allowed_passes(module: str, source: str) -> None:
    assert broken_rules(module, source) == []


def test_relative_imports_of_a_package_start_from_itself() -> None:
    assert list(imports("multimodal.text", "from .tokens import tokenise", is_package=True)) == [
        ("multimodal.text.tokens.tokenise", False)
    ]
