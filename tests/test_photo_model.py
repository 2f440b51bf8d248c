"""Ready ONNX models as photo steps: declared, checked when opened, run over photos of every kind."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from multimodal.artifact.photo_model import DECLARATION, PhotoModel
from multimodal.cli.main import main
from multimodal.errors import BundleError, ConfigError, ImageError
from multimodal.export.fashionnet import RANDOM, write_fashionnet
from multimodal.models.fashionnet import ATTRIBUTES, CATEGORIES, LANDMARKS, FashionNet, _around
from multimodal.types import ImageRef

WIDTH = 1 / 32


@pytest.fixture(scope="module")
def fashionnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fashionnet(tmp_path_factory.mktemp("fashionnet") / "model", width=WIDTH, seed=3)


def _photo(colour: tuple[int, int, int], size: tuple[int, int] = (90, 160)) -> ImageRef:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return ImageRef(data=stream.getvalue())


def _changed(folder: Path, out: Path, **changes: object) -> Path:
    """The same graph under another declaration."""
    out.mkdir()
    told = json.loads(folder.joinpath(DECLARATION).read_text())
    for key, value in changes.items():
        section, _, inner = key.partition("__")
        if inner:
            told[section][inner] = value
        else:
            told[section] = value
    out.joinpath(DECLARATION).write_text(json.dumps(told))
    out.joinpath("model.onnx").write_bytes(folder.joinpath("model.onnx").read_bytes())
    return out


def test_it_answers_as_torch_does(fashionnet: Path) -> None:
    torch.manual_seed(3)
    model = FashionNet(WIDTH).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((torch.from_numpy(pixels).float() / 255 - mean) / std).permute(0, 3, 1, 2)
    with torch.no_grad():
        attributes, categories, landmarks = model(x)
    found = PhotoModel(fashionnet, threads=1).run(pixels)
    assert {name: values.shape for name, values in found.items()} == {
        "attributes": (3, ATTRIBUTES), "categories": (3, CATEGORIES), "landmarks": (3, 3 * LANDMARKS),
    }  # fmt: skip
    np.testing.assert_allclose(found["attributes"], attributes.sigmoid(), atol=1e-5)
    np.testing.assert_allclose(found["categories"], categories.softmax(1), atol=1e-5)
    np.testing.assert_allclose(found["landmarks"], landmarks, atol=1e-4)


def test_landmarks_pool_what_is_around_them() -> None:
    """A single bright place of the map is found by the landmark on it, and by no other."""
    shared = torch.zeros(1, 2, 28, 28)
    shared[0, 1, 20, 6] = 5.0
    on, off = ((6 + 0.5) / 28, (20 + 0.5) / 28), (0.9, 0.1)
    pooled = _around(shared, torch.tensor([[on, off]]))
    assert pooled.shape == (1, 2, 2)
    assert pooled[0, 1, 0] > 1.0
    assert pooled[0, 1, 1] == 0
    assert (pooled[0, 0] == 0).all()


def test_every_photo_has_an_answer_in_its_place(fashionnet: Path) -> None:
    photos = [_photo((250, 0, 0)), ImageRef(data=b"no photo"), *[_photo((0, 0, n * 10)) for n in range(20)]]
    model = PhotoModel(fashionnet, threads=1)
    found = list(model.read(photos))
    assert len(found) == len(photos)
    assert isinstance(found[1], ImageError)
    for at in (0, 2, 21):
        (alone,) = model.read([photos[at]])
        assert isinstance(alone, dict)
        there = found[at]
        assert isinstance(there, dict)
        np.testing.assert_allclose(there["categories"], alone["categories"], atol=1e-6)
    assert list(model.read([])) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input__name": "pixels"}, "its inputs are photo"),
        ({"input__height": 192}, "declares [N, 3, 192, 224]"),
        ({"input__layout": "nhwc"}, "declares [N, 224, 224, 3]"),
        ({"input__type": "uint8"}, "declares uint8"),
        ({"outputs": {"colours": {"kind": "softmax", "size": 9}}}, "declares colours"),
        ({"outputs": {"categories": {"kind": "softmax", "size": 49}}}, "declares [N, 49]"),
        ({"outputs": {"categories": {"kind": "softmax", "size": 50, "names": ["a"]}}}, "1 names for 50 places"),
        ({"sha256": "0" * 64}, "another sha256"),
        ({"graph": "other.onnx"}, "no such file"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_graph_that_is_not_as_declared_is_refused(
    fashionnet: Path, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(BundleError) as error:
        PhotoModel(_changed(fashionnet, tmp_path / "model", **changes), threads=1)
    assert said in str(error.value)


def test_some_of_the_outputs_are_enough(fashionnet: Path, tmp_path: Path) -> None:
    outputs = {"categories": {"kind": "values", "size": CATEGORIES}}
    model = PhotoModel(_changed(fashionnet, tmp_path / "model", outputs=outputs), threads=1)
    (found,) = model.read([_photo((9, 9, 9))])
    assert isinstance(found, dict)
    assert set(found) == {"categories"}


def test_a_graph_of_a_fixed_batch_reads_any_number_of_photos(fashionnet: Path, tmp_path: Path) -> None:
    import onnx

    for size in (1, 4):
        folder = _changed(fashionnet, tmp_path / f"fixed{size}", sha256=None)
        model = onnx.load(str(folder / "model.onnx"))
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = size
        onnx.save(model, str(folder / "model.onnx"))
        photos = [_photo((n * 40, 10, 10)) for n in range(5)]
        fixed = list(PhotoModel(folder, threads=1).read(photos))
        free = list(PhotoModel(fashionnet, threads=1).read(photos))
        assert len(fixed) == len(photos)
        for ours, theirs in zip(fixed, free, strict=True):
            assert isinstance(ours, dict)
            assert isinstance(theirs, dict)
            np.testing.assert_allclose(ours["categories"], theirs["categories"], atol=1e-5)


def test_weights_come_from_a_file(fashionnet: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(11)
    file = tmp_path / "theirs.safetensors"
    save_file(FashionNet(WIDTH).state_dict(), file)
    theirs = PhotoModel(write_fashionnet(tmp_path / "theirs", width=WIDTH, weights=file), threads=1)
    ours = PhotoModel(fashionnet, threads=1)
    assert theirs.spec.weights == "theirs.safetensors"
    assert ours.spec.weights == RANDOM
    pixels = np.full((1, 224, 224, 3), 90, np.uint8)
    assert np.abs(theirs.run(pixels)["landmarks"] - ours.run(pixels)["landmarks"]).max() > 1e-3
    with pytest.raises(ConfigError, match="give the --width"):
        write_fashionnet(tmp_path / "wrong", width=WIDTH * 2, weights=file)


def test_the_command_line(fashionnet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> int:
        import sys

        sys.argv = ["multimodal", "photo-model", *words]
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    photos = tmp_path / "photos"
    photos.mkdir()
    for n in range(3):
        photo = _photo((n * 80, 20, 20)).data
        assert photo is not None
        (photos / f"{n}.png").write_bytes(photo)
    (photos / "broken.jpg").write_bytes(b"nothing")
    assert run(str(fashionnet), "--image", str(photos / "0.png"), "--json") == 0
    said = capsys.readouterr()
    assert set(json.loads(said.out)) == {"attributes", "categories", "landmarks"}
    assert "random" in said.err
    out = tmp_path / "scores.jsonl"
    assert run(str(fashionnet), "--input", str(photos), "--output", str(out)) == 1
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["id"] for line in lines] == ["0.png", "1.png", "2.png", "broken.jpg"]
    assert len(lines[1]["attributes"]) == ATTRIBUTES
    assert lines[3]["error"].startswith("image_")
    before = out.read_text()
    assert run(str(fashionnet), "--input", str(out), "--output", str(out)) == 2
    assert out.read_text() == before, "the input is not overwritten"
    assert run(str(fashionnet)) == 2
    assert run(str(tmp_path), "--image", str(photos / "0.png")) == 2
    assert DECLARATION in capsys.readouterr().err
