"""The command line without a bundle: help, versions, usage errors, how an answer is shown."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from multimodal.cli.answers import document, print_answer
from multimodal.cli.main import main
from multimodal.taxonomy import Node, Tree
from multimodal.types import CandidateSet, CategoryScore, Conflict, PathStep, Prediction, TagScore

COMMANDS = ("train", "evaluate", "classify", "tags", "bundle", "bundle inspect", "bundle verify", "sample", "serve")
COMMANDS += ("bench",)


class Done:
    """What a run of the command line left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Runner = Callable[..., Done]


@pytest.fixture
def multimodal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    """Runs the entrance as a shell would."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["multimodal", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        code = end.value.code
        return Done(code if isinstance(code, int) else 0 if code is None else 1, captured.out, captured.err)

    return run


def one_line(err: str) -> str:
    """The error, which must be one line without a traceback."""
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(multimodal: Runner, command: str) -> None:
    done = multimodal(*command.split(), "--help")
    assert done.code == 0
    assert f"multimodal {command}" in done.out
    if command != "bundle":  # an example is a whole command line that can be copied
        assert f"  multimodal {command} " in done.out


def test_help_lists_commands_and_exit_codes(multimodal: Runner) -> None:
    done = multimodal("--help")
    assert done.code == 0
    for name in ("train", "evaluate", "classify", "tags", "bundle", "sample", "serve", "Exit codes"):
        assert name in done.out


def test_version(multimodal: Runner) -> None:
    from importlib.metadata import version

    assert multimodal("--version").out == f"multimodal {version('multimodal')}\n"


def test_starting_imports_no_engine() -> None:
    code = (
        "import sys, multimodal.cli.main\n"
        "print(*sorted({'onnxruntime', 'pyarrow', 'PIL', 'pydantic', 'fastapi', 'uvicorn', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["bundle", "inspect", "{tmp}"], "manifest.json"),
        (["bundle", "verify", "{tmp}/none"], "expected a bundle's folder"),
        (["serve", "{tmp}"], "manifest.json"),
        (["classify", "{tmp}", "--title", "x"], "expected a bundle's folder"),
        (["classify", "{tmp}"], "got no product; expected one or more of --title"),
        (["classify", "{tmp}", "--image", "{tmp}/no.jpg"], "no.jpg: no such file; expected a photo"),
        (["classify", "{tmp}", "--image", "{tmp}"], "got a folder, expected a photo (JPEG, PNG, WebP, …); a folder"),
        (["classify", "{tmp}/none", "--title", "x"], "There is no such folder: give the one that"),
        (["classify", "{tmp}", "--input", "{tmp}/in.csv"], "--input and --output together"),
        (["classify", "{tmp}", "--title", "x", "--output", "{tmp}/o.csv"], "expected either one product"),
        (["classify", "{tmp}", "--input", "{tmp}/no.csv", "--output", "{tmp}/o.csv"], "no such file or folder"),
        (["classify", "{tmp}", "--input", "{tmp}/in.csv", "--output", "{tmp}/o.xls"], "one of .parquet, .csv, .jsonl"),
        (["evaluate", "{tmp}", "{tmp}/no.parquet"], "no such file or folder"),
        (["evaluate", "{tmp}", "{tmp}/in.csv", "--inputs", "title,foto"], "unknown input 'foto'"),
        (["evaluate", "{tmp}", "{tmp}/in.csv", "--inputs", "titel"], "Did you mean 'title'?"),
        (["evaluate", "{tmp}", "{tmp}/in.csv", "--inputs", ","], "got no name"),
        (["evaluate", "{tmp}", "{tmp}/in.csv", "--column", "title"], "expected FIELD=COLUMN"),
        (["evaluate", "{tmp}", "{tmp}/in.csv", "--column", "titel=t"], "titel: unknown key. Did you mean 'title'"),
        (["train", "{tmp}/no.yaml"], "no such file; expected a YAML configuration"),
        (["train", "{tmp}/bad.yaml"], "bad.yaml: nmae: unknown key. Did you mean 'name'"),
        (["train", "{tmp}/bad.yaml", "--set", "seed"], "expected key.path=value"),
        (["sample", "{tmp}/in.csv"], "got a file, expected a folder"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    multimodal: Runner, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    (tmp_path / "in.csv").write_text("id,title\n1,shirt\n", encoding="utf-8")
    sound = (
        "{name: x, output: out, tree: {from_paths: true}, "
        "data: {train: [{path: a.csv}], val: [{path: b.csv}]}, nmae: y}"
    )
    (tmp_path / "bad.yaml").write_text(sound, encoding="utf-8")
    done = multimodal(*(a.replace("{tmp}", str(tmp_path)) for a in arguments))
    assert done.code == 2
    assert expected in one_line(done.err)
    assert done.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["classify", "b", "--title", "x", "--top-k", "0"],
        ["classify", "b", "--title", "x", "--top-k", "11"],
        ["classify", "b", "--title", "x", "--min-confidence", "1.5"],
        ["evaluate", "b", "d", "--split-half", "test"],
        ["sample", "o", "--products", "0"],
        ["serve", "b", "--port", "99999"],
        ["clasify"],
    ],
)
def test_options_out_of_range_exit_with_2(multimodal: Runner, arguments: list[str]) -> None:
    done = multimodal(*arguments)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_sample_writes_what_it_says(multimodal: Runner, tmp_path: Path) -> None:
    done = multimodal("sample", str(tmp_path / "out"), "--products", "25", "--seed", "3")
    assert done.code == 0
    assert "Drawing" in done.err
    assert "25" in done.err
    again = tmp_path / "again"
    assert multimodal("sample", str(again), "--products", "25", "--seed", "3").code == 0
    for split in ("train", "val", "test"):
        name = f"{split}.parquet"
        assert (tmp_path / "out" / name).read_bytes() == (again / name).read_bytes()
    trained = next(line for line in done.out.splitlines() if "multimodal train" in line).split()[-1]
    assert Path(trained).is_file()


def test_a_missing_extra_is_told_with_its_brackets(
    multimodal: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = multimodal("serve", str(tmp_path))
    assert done.code == 2
    assert "pip install 'multimodal[serve]'" in one_line(done.err)


def test_a_port_in_use_is_said_before_the_model_loads() -> None:
    from multimodal.cli.serve import _check_free
    from multimodal.errors import InputError

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"--port {port}: cannot listen there .* Choose another --port"):
            _check_free("127.0.0.1", port)


SHIRT = CategoryScore(
    "12", "Shirts [men]", True, 0.75, (PathStep("1", "Wear", 0.9), PathStep("12", "Shirts [men]", 0.75))
)
BAG = CategoryScore("30", "Bags", True, 0.05, (PathStep("30", "Bags", 0.05),))


class Model:
    name = "fashion"
    version = "3"
    tree = Tree([Node("1", "Wear", None), Node("12", "Shirts [men]", "1"), Node("30", "Bags", None)])


def answer(**changes: object) -> Prediction:
    values: dict[str, object] = {
        "id": None, "row": 0, "decision": "leaf", "category": SHIRT, "suggestions": (SHIRT, BAG), "used": "image",
        "missing": ("title",), "needs_review": False, "warnings": ("the [title] has no word",),
    }  # fmt: skip
    return Prediction(**{**values, **changes})  # type: ignore[arg-type]


def test_the_document_is_the_published_shape() -> None:
    found = document(Model(), answer())
    assert json.loads(json.dumps(found)) == {
        "model": {"name": "fashion", "version": "3", "tree_version": Model.tree.version},
        "decision": "leaf",
        "category": {
            "id": "12",
            "name": "Shirts [men]",
            "is_leaf": True,
            "probability": 0.75,
            "path": [
                {"id": "1", "name": "Wear", "probability": 0.9},
                {"id": "12", "name": "Shirts [men]", "probability": 0.75},
            ],
        },
        "suggestions": [found["category"], {**found["suggestions"][1]}],
        "candidates": None,
        "modality": {"used": "image", "missing": ["title"]},
        "tags": [],
        "attributes": [],
        "needs_review": False,
        "conflict": None,
        "warnings": ["the [title] has no word"],
        "explanation": None,
        "heat_map": None,
    }
    assert found["suggestions"][1]["id"] == "30"


def test_the_document_carries_what_later_bundles_can_do() -> None:
    rich = answer(
        candidates=CandidateSet(0.95, ("12", "30")),
        tags=(TagScore("floral", 0.8, True),),
        conflict=Conflict(PathStep("1", "Wear", 0.9), PathStep("30", "Bags", 0.8)),
    )
    found = document(Model(), rich)
    assert found["candidates"] == {"coverage": 0.95, "category_ids": ["12", "30"]}
    assert found["tags"] == [{"name": "floral", "probability": 0.8, "present": True}]
    assert found["conflict"]["image"] == {"id": "30", "name": "Bags", "probability": 0.8}


def shown(prediction: Prediction) -> str:
    console = Console(file=io.StringIO(), width=120)
    print_answer(console, prediction)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_the_table_tells_path_probability_and_what_decided() -> None:
    text = shown(answer())
    assert "Wear > Shirts [men]" in text
    assert "75.0%" in text
    assert text.count("█") == round(0.75 * 24) + round(0.05 * 24)
    assert "decided by: the photo alone; not given or not usable: title" in text
    assert "warning: the [title] has no word" in text


def test_the_table_tells_a_conflict() -> None:
    torn = answer(conflict=Conflict(PathStep("1", "Wear", 0.9), PathStep("30", "Bags [all]", 0.8)), needs_review=True)
    assert "conflict: the text says Wear (90%), the photo Bags [all] (80%)" in shown(torn)


def test_the_table_of_an_answer_without_a_category() -> None:
    text = shown(answer(decision="abstain", category=None, needs_review=True))
    assert text.startswith("no category\n")
    assert "decision: abstain (not sure" in text


def test_a_log_file_is_told_how_far_a_long_command_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from multimodal.cli import console

    monkeypatch.setattr(console, "QUIET_SECONDS", 0.0)
    with console.progress("Classifying", 2_000) as advance:
        for done in (1_000, 2_000):
            advance(done)
    with console.progress("Exporting", None, "answers", speed=False) as advance:
        advance(7)
    lines = capsys.readouterr().err.splitlines()
    said = [line for line in lines if line.startswith(("Classifying: ", "Exporting: "))]
    assert len(said) == 3
    assert re.fullmatch(r"Classifying: 1,000 of 2,000 rows, [\d,]+ rows/s", said[0])
    assert said[2] == "Exporting: 7 answers"
    monkeypatch.setattr(console, "QUIET_SECONDS", 60.0)
    with console.progress("Classifying", 2_000) as advance:
        advance(1_000)
    assert "Classifying: " not in capsys.readouterr().err
