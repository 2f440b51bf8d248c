"""What the pages say is so: figures, commands, configurations, links, requests and settings."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from multimodal.artifact import bundle_sha256, read_manifest, total_bytes
from multimodal.cli.main import app
from multimodal.config import load_config
from multimodal.errors import DataError
from multimodal_api.app import create_app
from multimodal_api.asked import BatchRequest, ClassifyForm, ClassifyRequest, FeedbackRequest
from multimodal_api.schemas import ClassifyResponse, Problem
from multimodal_api.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import card
import notebook_pages
import pages
import publish
import tables
from bundle_figures import calibration_sha256, read_evaluation
from shipped import SHIPPED, Shipped

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "artifacts" / "fashion"
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

needs_bundle = pytest.mark.skipif(not (BUNDLE / "manifest.json").is_file(), reason=f"no bundle in {BUNDLE}")
each_measured_bundle = pytest.mark.parametrize(
    "entry",
    [
        pytest.param(entry, id=entry.name, marks=pytest.mark.skipif(bool(entry.missing()), reason=str(entry.missing())))
        for entry in SHIPPED
    ],
)


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def blocks(page: Path, *languages: str) -> list[str]:
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


def commands(page: Path) -> Iterator[str]:
    """Shell commands of a page, continued lines joined."""
    for block in blocks(page, "sh", "bash"):
        yield from (line for line in block.replace("\\\n", " ").splitlines() if line.strip())


def commands_of(program: str) -> list[tuple[str, str]]:
    return [(page.name, line) for page in PAGES for line in commands(page) if line.split()[0] == program]


# --- figures ---------------------------------------------------------------------------------------------------------


@each_measured_bundle
def test_the_figures_are_of_this_bundle(entry: Shipped) -> None:
    manifest, evaluation = read_manifest(entry.folder), read_evaluation(entry.folder)
    assert evaluation["bundle"]["sha256"] == bundle_sha256(manifest), "measure the new bundle: benchmarks/publish.py"
    assert evaluation["bundle"]["calibration"] == calibration_sha256(manifest), "it was calibrated anew: measure it"
    assert (manifest.name, evaluation["data"]) == (entry.name, entry.data)
    assert set(evaluation["splits"]["val"]["cases"]) == {case.name for case in entry.cases}


@each_measured_bundle
@pytest.mark.parametrize("page", ["MODEL_CARD.md", "README.md"])
def test_every_printed_figure_is_the_saved_one(entry: Shipped, page: str) -> None:
    """Reads the numbers back from the table and compares them one by one."""
    text, figures = block_of(README, entry.block), tables.FIGURES
    if page == "MODEL_CARD.md":
        text, figures = (entry.folder / page).read_text(encoding="utf-8"), card.MORE_FIGURES
    splits = read_evaluation(entry.folder)["splits"]
    shown = [split for split in ("val", "test") if split in splits]
    table = read_table(text, "sees")
    assert set(table) == {case.name for case in entry.cases}
    for case, cells in table.items():
        for key, heading in figures.items():
            saved = [splits[split]["cases"][case]["heads"]["fused"][key] for split in shown]
            printed = [float(part) for part in cells[heading].split(" / ")]
            assert printed == pytest.approx(saved, abs=5.1e-5), f"{page}: {case}, {heading}"
    assert bundle_sha256(read_manifest(entry.folder))[:12] in text


@each_measured_bundle
def test_the_card_and_the_readme_are_what_publish_writes(entry: Shipped) -> None:
    assert (entry.folder / "MODEL_CARD.md").read_text(encoding="utf-8") == publish.card_of(entry, entry.folder)
    text = README.read_text(encoding="utf-8")
    for name, body in publish.readme_blocks([(entry, entry.folder)]).items():
        assert pages.replace_block(text, name, body) == text, f"figures:{name}: python benchmarks/publish.py --render"


@each_measured_bundle
def test_a_bundle_is_no_larger_than_it_may_be(entry: Shipped) -> None:
    assert total_bytes(entry.folder) <= {"fashion": 12_000_000, "grocery-ru": 6_000_000}[entry.name]


@each_measured_bundle
def test_the_notebooks_are_what_publish_writes(entry: Shipped, tmp_path: Path) -> None:
    for file in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(file, tmp_path)
    blocks = publish.blocks_for_notebooks(entry, entry.folder)
    notebook_pages.write_notebooks(tmp_path, blocks)
    for file in (ROOT / "notebooks").glob("*.ipynb"):
        told = file.read_text(encoding="utf-8")
        assert (tmp_path / file.name).read_text(encoding="utf-8") == told, "python benchmarks/publish.py --render"


def test_a_figure_without_a_place_in_the_notebooks_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no notebook has a place for notebook-sees; put their markers back"):
        notebook_pages.write_notebooks(tmp_path, {"notebook-sees": "| a |"})


@each_measured_bundle
def test_what_a_card_says_of_its_training_is_there(entry: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    told = re.findall(r"multimodal train (\S+)", (entry.folder / "MODEL_CARD.md").read_text(encoding="utf-8"))
    assert told
    monkeypatch.chdir(ROOT)
    for file in told:
        config = load_config(Path(file))
        assert (config.name, config.output) == (entry.name, f"artifacts/{entry.name}")


@each_measured_bundle
def test_saved_commands_work_on_other_machines(entry: Shipped) -> None:
    for measured in read_evaluation(entry.folder)["splits"].values():
        absolute = [word for word in shlex.split(measured["command"]) if word.startswith(("/", "~"))]
        assert not absolute, f"{measured['command']}: run it with relative paths, or MULTIMODAL_DATA set"


@each_measured_bundle
def test_peers_were_measured_beside_this_bundle(entry: Shipped) -> None:
    if not entry.peers.is_file():
        pytest.skip(f"no {entry.peers.name}: python benchmarks/accuracy.py --json writes it")
    result = json.loads(entry.peers.read_text(encoding="utf-8"))
    sha256 = bundle_sha256(read_manifest(entry.folder))
    # Results of before the hash was saved with them are known by their figures alone.
    assert result["bundle"].get("sha256", sha256) == sha256, f"{entry.peers.name} is of another bundle: measure again"
    saved = read_evaluation(entry.folder)["splits"]["val"]["cases"]
    assert result["cases"]
    for case in result["cases"]:
        ours = case["systems"]["multimodal, text head"]["top1"]
        text = saved[case["name"]]["heads"]["text"]["top1"]
        assert ours == pytest.approx(text, abs=5e-4), f"{entry.peers.name}, {case['name']}: measure again"


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.name)
def test_the_readme_has_a_place_for_the_figures_of_each_bundle(entry: Shipped) -> None:
    assert block_of(README, entry.block)
    assert block_of(README, entry.peers_block)


def block_of(page: Path, name: str) -> str:
    """What stands between the markers of a block."""
    (found,) = re.findall(
        f"<!-- figures:{name} -->\n(.*?)<!-- /figures:{name} -->", page.read_text(encoding="utf-8"), re.DOTALL
    )
    return str(found)


def read_table(text: str, first: str) -> dict[str, dict[str, str]]:
    """The Markdown table whose first heading is ``first``: row name -> heading -> cell."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |"))
    heading = split_cells(lines[start])
    rows = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = split_cells(line)
        rows[cells[0]] = dict(zip(heading, cells, strict=True))
    return rows


def split_cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def test_a_block_is_replaced_between_its_markers_and_nowhere_else() -> None:
    text = "a\n<!-- figures:x -->\nold\n<!-- /figures:x -->\nb\n"
    assert pages.replace_block(text, "x", "new\n") == "a\n<!-- figures:x -->\nnew\n<!-- /figures:x -->\nb\n"
    with pytest.raises(DataError, match=r"got 0 blocks .*expected one.*put both lines back"):
        pages.replace_block(text, "y", "new")


def test_a_command_names_the_data_by_its_variable(tmp_path: Path) -> None:
    data = tmp_path / "fashion_products"
    told = publish.command(["--bundle", "artifacts/fashion", "--data", str(data), "--test"], data)
    assert told == (
        "python benchmarks/publish.py --bundle artifacts/fashion --data $MULTIMODAL_DATA/fashion_products --test"
    )


# --- what a reader would type ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "line"), commands_of("multimodal"))
def test_commands_parse(page: str, line: str) -> None:
    """Command, options and the types of their values, as the command line itself reads them."""
    _, *words = shlex.split(line, comments=True)
    group = command_line()
    context = group.make_context("multimodal", words, resilient_parsing=True)
    while hasattr(group, "commands"):
        name, *words = words
        assert name in group.commands, f"{page}: {line}: no command {name}"
        group = group.commands[name]
    assert "--help" not in words
    group.make_context(name, words, parent=context)


@pytest.mark.parametrize("page", names(PAGES))
def test_commands_in_the_text_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    group = command_line()
    for words in re.findall(r"`multimodal ([a-z][^`]*)`", text):
        command, rest = group, words.split()
        while hasattr(command, "commands") and rest:
            name, *rest = rest
            assert name in command.commands, f"{page}: `multimodal {words}`"
            command = command.commands[name]
        options = {option for parameter in command.params for option in parameter.opts}
        unknown = [word for word in rest if word.startswith("--") and word not in options]
        assert not unknown, f"{page}: `multimodal {words}`: {unknown}"


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page, line in commands_of("make"):
        asked = [word for word in shlex.split(line, comments=True)[1:] if "=" not in word]
        assert set(asked) <= targets, f"{page}: {line}"


@pytest.mark.parametrize(("page", "line"), commands_of("python"))
def test_scripts_and_their_options_exist(page: str, line: str) -> None:
    _, script, *words = shlex.split(line, comments=True)
    if script == "-m":
        script, *words = words
        script = f"src/{script.replace('.', '/')}.py"
    text = (ROOT / script).read_text(encoding="utf-8")
    if "split_parser(" in text:  # some options are those of several benchmarks
        text += (ROOT / "benchmarks" / "command.py").read_text(encoding="utf-8")
    for option in (word for word in words if word.startswith("--")):
        assert f'"{option}"' in text, f"{page}: {line}: {script} has no {option}"


@pytest.mark.parametrize(
    ("page", "line"), [(p, line) for p, line in commands_of("curl") if "/classify" in line or "/feedback" in line]
)
def test_requests_have_fields_that_the_service_takes(page: str, line: str) -> None:
    words = shlex.split(line)
    fields = dict(words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "-F")
    photo = fields.pop("image", "@docs/dress.jpg")
    assert (ROOT / photo.removeprefix("@")).is_file(), f"{page}: {line}"
    ClassifyForm.model_validate(fields)
    for body in (words[i + 1] for i, word in enumerate(words) if word == "-d"):
        asked = {"/classify/batch": BatchRequest, "/feedback": FeedbackRequest}
        model = next((model for path, model in asked.items() if path in line), ClassifyRequest)
        model.model_validate_json(body)


@pytest.mark.parametrize(("page", "line"), commands_of("curl"))
def test_requests_use_a_method_that_their_path_takes(page: str, line: str) -> None:
    words = shlex.split(line)
    url = next(word for word in words if word.startswith("localhost:"))
    path = "/" + url.partition("?")[0].partition("/")[2]
    sends = {"-d": "POST", "-F": "POST", "-T": "PUT", "--data-binary": "POST"}
    told = next((method for word, method in sends.items() if word in words), "GET")
    method = words[words.index("-X") + 1] if "-X" in words else told
    assert method.lower() in create_app(Settings()).openapi()["paths"][path], f"{page}: {line}"


@cache
def command_line() -> Any:
    return typer.main.get_command(app)


def configs() -> list[tuple[str, str]]:
    return [(page.name, text) for page in PAGES for text in blocks(page, "yaml") if "output:" in text]


@pytest.mark.parametrize(("page", "text"), configs())
def test_configurations_load(page: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMODAL_DATA", str(tmp_path))
    file = tmp_path / "shown.yaml"
    file.write_text(text, encoding="utf-8")
    assert load_config(file).name == yaml.safe_load(text)["name"]


@needs_bundle
def test_the_python_of_the_readme_answers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    for text in blocks(README, "python"):
        exec(compile(text, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4"]
    assert [line.rsplit(" ", 1)[1] for line in lines[:3]] == ["fused", "image", "text"]
    assert "Dress" in lines[0]
    assert lines[3].startswith("4 nothing_usable")


# --- what the pages point at -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", names(PAGES))
def test_relative_links_lead_somewhere(page: str) -> None:
    file = ROOT / page
    text = re.sub(r"^```.*?^```$", "", file.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if "://" in path or path in ABSENT_CARDS:
            continue
        linked = (file.parent / path).resolve() if path else file
        assert linked.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in anchors(linked), f"{page} links to {target}"


ABSENT_CARDS = {f"artifacts/{entry.name}/MODEL_CARD.md" for entry in SHIPPED if entry.missing()}
"""Of bundles that are not in this checkout, or not measured yet."""


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_paths_in_the_layout_exist() -> None:
    layout = README.read_text(encoding="utf-8").partition("## The repository")[2].partition("## ")[0]
    paths = re.findall(r"^(\S+/)(?: |$)", layout, re.MULTILINE)
    assert "docs/" in paths
    missing = [path for path in paths if not (ROOT / path).is_dir()]
    assert not [path for path in missing if ROOT / path not in {entry.folder for entry in SHIPPED}]


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").glob("*.jpg")), ids=lambda path: path.name)
def test_pictures_are_small(picture: Path) -> None:
    assert picture.stat().st_size < 200_000


# --- docs/api.md -----------------------------------------------------------------------------------------------------

API = ROOT / "docs" / "api.md"


def test_the_fields_of_a_request_are_all_told() -> None:
    told = read_table(API.read_text(encoding="utf-8"), "field")
    asked = {*ClassifyForm.model_fields, *ClassifyRequest.model_fields, "image"}
    assert set(told) == asked
    assert {name for name, row in told.items() if row["form"] != "–"} == {*ClassifyForm.model_fields, "image"}


def test_the_examples_of_answers_fit_the_schemas() -> None:
    answer, problem = blocks(API, "json")
    assert set(json.loads(answer)) == set(ClassifyResponse.model_fields)
    ClassifyResponse.model_validate_json(answer)
    Problem.model_validate_json(problem)


def test_the_codes_of_errors_are_those_of_the_source() -> None:
    told = set(re.findall(r"^\| \d{3} \| (.+?) \|", API.read_text(encoding="utf-8"), re.MULTILINE))
    codes = {code for cell in told for code in re.findall(r"`(\w+)`", cell)}
    assert len(codes) > 20
    files = [file for folder in ("src", "api") for file in (ROOT / folder).rglob("*.py")]
    source = "\n".join(file.read_text(encoding="utf-8") for file in files)
    made = {"not_found", "method_not_allowed", "title_too_long", "description_too_long", "characteristics_too_long"}
    assert not [code for code in codes - made if f'"{code}"' not in source]
    raised = set(re.findall(r'ProblemError\(\s*\d{3},\s*"(\w+)"', source))
    assert raised
    assert not raised - codes, "errors that docs/api.md does not tell of"


def test_the_settings_are_all_told() -> None:
    told = read_table(API.read_text(encoding="utf-8"), "variable")
    assert set(told) == {"MULTIMODAL_SETTINGS", *(f"MULTIMODAL_{name.upper()}" for name in Settings.model_fields)}
    caps = {name: int(told[f"MULTIMODAL_{name.upper()}"]["default"].replace(",", "")) for name in CAPS}
    assert caps == {name: getattr(Settings(), name) for name in CAPS}


CAPS = ("max_body", "max_photo", "max_field")
