"""A photo tower that cannot begin as configured is refused before a row is read, by the key that is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from conftest import Tiny
from multimodal.artifact import LAYOUT, read_manifest
from multimodal.artifact.manifest import replace_manifest
from multimodal.config import RunConfig
from multimodal.errors import BundleError, ConfigError, MultimodalError
from multimodal.training.photo_check import check_photo_tower
from multimodal.training.run import start_run

Configure = Callable[..., RunConfig]


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test that reads rows, be it for the tree."""

    def read(*_: object, **__: object) -> None:
        raise AssertionError("rows are read")

    for name in ("tree.read_sources", "prepare.read_sources", "divide.read_sources"):
        monkeypatch.setattr(f"multimodal.training.{name}", read)


@pytest.fixture
def wordy(tiny: Tiny, tmp_path: Path) -> Path:
    """The tiny bundle without its photo tower."""
    folder = Path(shutil.copytree(tiny.bundle, tmp_path / "wordy"))
    manifest = read_manifest(folder)
    parts = {LAYOUT.image, LAYOUT.fusion, LAYOUT.novelty} & set(manifest.files)
    for name in parts:
        (folder / name).unlink()
    files = {name: entry for name, entry in manifest.files.items() if name not in parts}
    change = {"files": files, "image": None, "fusion": False, "novelty": None}
    replace_manifest(folder / LAYOUT.manifest, manifest.model_copy(update=change))
    return folder


def _refused(config: RunConfig) -> MultimodalError:
    with pytest.raises((ConfigError, BundleError)) as caught:
        start_run(config, "cpu", resume=True)
    return caught.value


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("image.backbone=mobilenetv3_smal_050", "image.backbone: timm has no model 'mobilenetv3_smal_050'. Did you"),
        ("image.backbone=mobilenetv3_small_050.none", "image.backbone: got 'mobilenetv3_small_050.none', expected a"),
        ("image.backbone=shop:mobilenet", "image.backbone: timm has no model 'shop:mobilenet'."),
        ("image.backbone_args={depht: 8}", "image.backbone_args: got {'depht': 8}, expected arguments that timm's"),
        ("image.weights=bundle:{folder}/nope", "image.weights: {folder}/nope: got no manifest.json, expected a bundle"),
        ("image.weights=bundle:{wordy}", "image.weights: {wordy}: the bundle 'tiny' has no image part"),
        ("image.weights={folder}/none.safetensors", "image.weights: got '{folder}/none.safetensors', expected 'none'"),
        ("image.weights=package:nope", "image.weights: got 'package:nope', expected one of efficientnet_lite0"),
        ("image.teachers=[{folder}/nope]", "image.teachers: {folder}/nope: got no manifest.json, expected a bundle"),
        ("image.teachers=[{wordy}]", "image.teachers: {wordy}: got a bundle without a photo tower of ours"),
        ("training.init_from={wordy}", "training.init_from: {wordy}: got a bundle without a photo tower, expected"),
    ],
)
@pytest.mark.parametrize("tree", ["", "from_paths"])
def test_mistakes_are_told_before_rows_are_read(
    configure: Configure, tmp_path: Path, wordy: Path, setting: str, said: str, tree: str
) -> None:
    def filled(text: str) -> str:
        return text.replace("{folder}", str(tmp_path)).replace("{wordy}", str(wordy))

    more = ("tree={from_paths: true}",) if tree else ()
    assert _refused(configure(tmp_path, filled(setting), *more)).message.startswith(filled(said))


@pytest.mark.usefixtures("unread")
def test_a_changed_bundle_is_told_before_rows_are_read(configure: Configure, tmp_path: Path, own_bundle: Path) -> None:
    with (own_bundle / LAYOUT.image).open("ab") as stream:
        stream.write(b"x")
    for key, value in (("image.weights", f"bundle:{own_bundle}"), ("image.teachers", f"[{own_bundle}]")):
        error = _refused(configure(tmp_path, f"{key}={value}"))
        assert isinstance(error, BundleError)
        assert error.message.startswith(f"{key}: {own_bundle}: the bundle is not what was exported")


@pytest.mark.usefixtures("unread")
def test_a_teacher_of_another_tree_is_told_before_photos_are_read(
    configure: Configure, tmp_path: Path, tiny: Tiny
) -> None:
    assert tiny.export.config.tree.path is not None
    renamed = tmp_path / "renamed.csv"
    text = Path(tiny.export.config.tree.path).read_text(encoding="utf-8")
    renamed.write_text(text.replace("Tshirts", "T-shirts"), encoding="utf-8")
    error = _refused(configure(tmp_path, f"image.teachers=[{tiny.bundle}]", f"tree.path={renamed}"))
    assert "image.teachers: " in error.message
    assert "answer in the same categories" in error.message


def test_what_is_right_passes_and_leaves_chance_as_it_was(configure: Configure, tmp_path: Path, tiny: Tiny) -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    for settings in (
        (f"image.weights=bundle:{tiny.bundle}", f"image.teachers=[{tiny.bundle}]"),
        (f"training.init_from={tiny.bundle}", "image.weights=not-read.safetensors"),
        ("image=null",),
        (),
    ):
        check_photo_tower(configure(tmp_path, *settings))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.usefixtures("unread")
def test_continuing_from_a_bundle_still_needs_the_bundle_that_weights_name(
    configure: Configure, tmp_path: Path, tiny: Tiny
) -> None:
    config = configure(tmp_path, f"training.init_from={tiny.bundle}", "image.weights=bundle:nope")
    assert _refused(config).message.startswith("image.weights: nope: got no manifest.json")
