"""The bundle as a folder: what it holds, and how every change to it is told."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multimodal
from multimodal.artifact import LAYOUT, bundle_sha256, mix_name, open_bundle, read_manifest, verify_bundle
from multimodal.artifact.manifest import own_sha256
from multimodal.artifact.vocabulary import HashVocabulary, lookup, padded
from multimodal.config import RunConfig
from multimodal.errors import BundleError, MissingExtraError, TreeError
from multimodal.taxonomy import Node, Tree
from multimodal.types import RaggedIds

HASHED = (LAYOUT.tree, LAYOUT.vocabulary, LAYOUT.text, LAYOUT.image, LAYOUT.fusion, LAYOUT.novelty)


def _edit(bundle: Path, change: Callable[[dict[str, Any]], object], *, sign: bool = True) -> None:
    """Changes a bundle's manifest; signed again, as a hand that knows how would."""
    file = bundle / LAYOUT.manifest
    raw = json.loads(file.read_text(encoding="utf-8"))
    change(raw)
    if sign:
        raw["manifest_sha256"] = own_sha256(raw)
    file.write_text(json.dumps(raw), encoding="utf-8")


def _refused(bundle: Path) -> str:
    with pytest.raises(BundleError) as caught:
        multimodal.load(bundle)
    return caught.value.message


def test_bundle_holds_what_its_manifest_says(tiny_bundle: Path, tiny_config: RunConfig) -> None:
    bundle = open_bundle(tiny_bundle)
    manifest = bundle.manifest
    assert verify_bundle(tiny_bundle) == []
    assert {p.name for p in tiny_bundle.iterdir()} == {*HASHED, LAYOUT.manifest} == {*manifest.files, LAYOUT.manifest}
    assert (manifest.name, manifest.schema_version, manifest.leaves) == ("tiny", 1, len(bundle.tree.leaves))
    assert manifest.tree_version == bundle.tree.version
    assert manifest.heads == ("fused", "text", "image")
    assert manifest.inputs == ("title", "characteristics", "image")
    assert manifest.requires == ()
    assert manifest.text is not None
    assert manifest.image is not None
    assert tiny_config.image is not None
    assert (manifest.text.encoder, manifest.text.names) == ("ngrams", ("ngrams",))
    (vocabulary,) = bundle.vocabularies().values()
    assert isinstance(vocabulary, HashVocabulary)
    hashes = vocabulary.hashes
    assert (hashes.dtype, len(hashes)) == (np.uint32, manifest.text.vocabulary)
    assert len(hashes) == manifest.text.encoders["ngrams"].vocabulary
    assert (np.diff(hashes.astype(np.int64)) > 0).all()
    assert (manifest.image.kitchen["height"], manifest.image.kitchen["width"]) == tiny_config.image.size
    asked, told = json.loads(tiny_config.model_dump_json()), manifest.provenance["config"]
    # What the configuration left open is told as it was decided.
    assert (asked["text"]["learning_rate"], asked["text"]["mask_names"]) == (None, None)
    assert (told["text"]["learning_rate"], told["text"]["mask_names"]) == (0.001, 0.25)
    told["text"] |= {"learning_rate": None, "mask_names": None}
    assert told == asked
    assert set(manifest.calibration.mixes) >= {"title", "characteristics", "image", "title+characteristics+image"}
    assert all(0.05 <= mix.temperature <= 20 for mix in manifest.calibration.mixes.values())
    assert len(bundle_sha256(manifest)) == 64


def test_no_file_needs_pickle_and_all_can_be_read_by_others(tiny_bundle: Path) -> None:
    for file in tiny_bundle.iterdir():
        assert file.suffix in {".onnx", ".json", ".safetensors", ".md"}
        head = file.read_bytes()[:2]
        assert head[:1] != b"\x80", f"{file.name} starts as a pickle does"
        assert head != b"PK", f"{file.name} is an archive, as torch.save writes"
        assert file.stat().st_mode & 0o044 == tiny_bundle.joinpath(LAYOUT.tree).stat().st_mode & 0o044


def test_no_file_tells_of_the_machine_it_was_made_on(tiny_bundle: Path) -> None:
    root = str(Path(multimodal.__file__).parent).encode()
    for name in HASHED:
        data = tiny_bundle.joinpath(name).read_bytes()
        assert root not in data
        assert b"site-packages" not in data


@pytest.mark.parametrize("name", HASHED)
def test_changed_byte_is_told_by_file(own_bundle: Path, name: str) -> None:
    file = own_bundle / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert verify_bundle(own_bundle) == [f"{name} has another sha256 than the manifest"]
    said = _refused(own_bundle)
    assert f"{name} has another sha256" in said
    assert "Fetch or export it again" in said


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_changed_byte_of_the_manifest_is_told(own_bundle: Path, place: float) -> None:
    file = own_bundle / LAYOUT.manifest
    data = bytearray(file.read_bytes())
    # A digit into another: still JSON, still a valid manifest.
    at = next(i for i in range(int(len(data) * place), len(data)) if chr(data[i]) in "12345678")
    data[at] += 1
    file.write_bytes(data)
    said = _refused(own_bundle)
    assert str(file) in said
    assert "again" in said


def test_changed_temperature_is_told(own_bundle: Path) -> None:
    def warm(raw: dict[str, Any]) -> None:
        raw["calibration"]["mixes"]["title"]["temperature"] *= 1.5

    _edit(own_bundle, warm, sign=False)
    said = _refused(own_bundle)
    assert "manifest.json: changed since it was exported" in said


def test_manifest_may_be_laid_out_anew(own_bundle: Path) -> None:
    _edit(own_bundle, lambda raw: None, sign=False)
    assert verify_bundle(own_bundle) == []


@pytest.mark.parametrize("name", HASHED)
def test_missing_file_is_told(own_bundle: Path, name: str) -> None:
    own_bundle.joinpath(name).unlink()
    assert f"{name} is missing" in _refused(own_bundle)


def test_truncated_and_added_files_are_told_together(own_bundle: Path) -> None:
    image = own_bundle / LAYOUT.image
    size = image.stat().st_size
    image.write_bytes(image.read_bytes()[:-100])
    own_bundle.joinpath("extra.bin").write_bytes(b"x")
    assert verify_bundle(own_bundle) == [
        f"image.onnx has {size - 100} bytes, expected {size}",
        "extra.bin is not in the manifest",
    ]
    assert "extra.bin is not in the manifest" in _refused(own_bundle)


def test_card_and_evaluation_may_be_added(own_bundle: Path) -> None:
    before = bundle_sha256(read_manifest(own_bundle))
    own_bundle.joinpath(LAYOUT.card).write_text("# Card\n", encoding="utf-8")
    own_bundle.joinpath(LAYOUT.evaluation).write_text("{}\n", encoding="utf-8")
    assert bundle_sha256(open_bundle(own_bundle).manifest) == before


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_other_schema_version_is_refused(own_bundle: Path, version: object) -> None:
    _edit(own_bundle, lambda raw: raw.update(schema_version=version))
    said = _refused(own_bundle)
    assert f"got schema version {version!r}, expected 1" in said
    assert "Install the release" in said


def test_tree_that_does_not_fit_is_refused(own_bundle: Path) -> None:
    other = own_bundle / LAYOUT.tree
    other.write_text(Tree([Node("a", "A", None), Node("b", "B", None)]).to_json(), encoding="utf-8")
    entry = {"sha256": _sha256(other), "bytes": other.stat().st_size}
    _edit(own_bundle, lambda raw: raw["files"].update({LAYOUT.tree: entry}))
    said = _refused(own_bundle)
    assert "tree.json has version" in said
    assert "2 leaves, the manifest expects" in said


def test_tree_that_is_none_is_refused(own_bundle: Path) -> None:
    own_bundle.joinpath(LAYOUT.tree).write_text("{}", encoding="utf-8")
    with pytest.raises(TreeError, match="not a tree in JSON"):
        open_bundle(own_bundle, verify=False)


def test_manifest_without_a_needed_file_is_refused(own_bundle: Path) -> None:
    _edit(own_bundle, lambda raw: raw["files"].pop(LAYOUT.fusion))
    assert "files: got no fusion.onnx, expected every file" in _refused(own_bundle)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: raw.pop("leaves"), "leaves: Field required"),
        (lambda raw: raw.update(surprise=1), "surprise: Extra inputs are not permitted"),
        (lambda raw: raw["files"]["tree.json"].update(sha256="abc"), "files.tree.json.sha256"),
        (lambda raw: raw["calibration"]["mixes"]["title"].update(temperature=0), "temperature"),
        (lambda raw: raw.update(inputs=["smell"]), "inputs.0"),
    ],
)
def test_manifest_that_is_not_as_declared_is_refused(
    own_bundle: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    _edit(own_bundle, change)
    message = _refused(own_bundle)
    assert said in message
    assert "Export the bundle again" in message


@pytest.mark.parametrize("text", ["", "{", "\udcff", "[]", "null"])
def test_manifest_that_is_no_json_is_refused(own_bundle: Path, text: str) -> None:
    own_bundle.joinpath(LAYOUT.manifest).write_bytes(text.encode("utf-8", "surrogateescape"))
    said = _refused(own_bundle)
    assert "manifest.json" in said
    assert "not readable as JSON" in said or "got schema version None" in said


def test_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere", Path(__file__)):
        said = _refused(folder)
        assert f"{folder}: got no manifest.json, expected a bundle's folder" in said
        assert "multimodal train" in said


def test_missing_extra_is_named(own_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _edit(own_bundle, lambda raw: raw.update(requires=["ru"]))
    find = importlib.util.find_spec

    def without_razdel(name: str, package: str | None = None) -> importlib.machinery.ModuleSpec | None:
        return None if name == "razdel" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_razdel)
    with pytest.raises(MissingExtraError, match=r"The bundle 'tiny' needs .*\[ru\].*pip install 'multimodal\[ru\]'"):
        multimodal.load(own_bundle)


def test_other_text_kitchen_is_refused(own_bundle: Path) -> None:
    _edit(own_bundle, lambda raw: raw["text"].update(kitchen_version=99))
    assert "made with text kitchen 99, this release has" in _refused(own_bundle)


def test_other_image_kitchen_is_refused(own_bundle: Path) -> None:
    _edit(own_bundle, lambda raw: raw["image"]["kitchen"].update(version=99))
    assert "image kitchen: got version 99, expected" in _refused(own_bundle)


def test_mixes_are_named_in_the_order_of_inputs() -> None:
    assert mix_name(["image", "title"]) == "title+image"
    assert mix_name([]) == ""


def test_vocabulary_lookup() -> None:
    vocabulary = np.array([3, 8, 2**32 - 1], np.uint32)
    asked = np.array([8, 3, 9, 2**32 - 1, 0, 8], np.uint32)
    assert lookup(vocabulary, asked).tolist() == [2, 1, 0, 3, 0, 2]
    assert lookup(vocabulary[:0], asked).tolist() == [0] * 6
    assert lookup(vocabulary, asked[:0]).tolist() == []


def test_padding_leaves_unknown_ids_out() -> None:
    ids = np.array([5, 0, 7, 0, 2], np.int32)
    ragged = RaggedIds(ids, np.array([0, 3, 4, 4, 5]))
    assert padded(ragged).tolist() == [[5, 7], [0, 0], [0, 0], [2, 0]]
    assert padded(RaggedIds(ids[:0], np.array([0, 0]))).tolist() == [[0]]
    assert padded(RaggedIds(ids[:0], np.array([0]))).shape == (0, 1)


def _sha256(file: Path) -> str:
    from multimodal.artifact.bundle import sha256_of

    return sha256_of(file)
