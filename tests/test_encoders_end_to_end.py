"""Bundles with word vectors and with sentence encoders: trained, proven, and served without what made them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch

import multimodal
from conftest import Tiny, train_tiny
from encoder_support import save_transformer
from multimodal.artifact import LAYOUT, open_bundle, read_manifest, verify_bundle
from multimodal.artifact.engine import Engine
from multimodal.artifact.vocabulary import HashVocabulary, PieceVocabulary, WordVocabulary
from multimodal.cli.main import main
from multimodal.config import RunConfig
from multimodal.errors import ConfigError, MissingExtraError
from multimodal.export.parity import STORED_BOUND
from multimodal.models.text_from_bundle import load_text
from multimodal.numeric import softmax
from multimodal.serving.samples import Kitchens
from multimodal.training.encoders import TextPart, tensors_of
from multimodal.types import ImageRef, Prediction, Product

ALONE = 1e-5
"""By how much probabilities may differ by batch: float32 sums in another order."""
TRAINERS = ("torch", "transformers", "timm", "lightning", "sklearn", "onnx")
QUICK = (
    "image=null", "text.epochs=1", "text.ngrams.vocabulary=1024", "export.parity_rows=64", "data.train.0.share=0.5",
)  # fmt: skip


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory, val_products: list[Product]) -> Path:
    """A tiny transformer at random, whose tokenizer knows the sample catalog's words."""
    return save_transformer(tmp_path_factory.mktemp("model") / "tiny", [p.title or "" for p in val_products])


@pytest.fixture(scope="module")
def navec(configure: Callable[..., RunConfig], tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """n-grams and word vectors side by side."""
    for module in ("navec", "natasha"):
        pytest.importorskip(module, reason="needs the [ru] extra")
    # float16: in int8 a text of 180 words is as far off as its vector is long, beyond the bound of the usual ones.
    wide = ("text.navec={dim: 32, subwords: 256}", "export.text_storage=float16")
    return train_tiny(configure(tmp_path_factory.mktemp("navec"), *QUICK, "name=navec", *wide))


@pytest.fixture(scope="module")
def frozen(configure: Callable[..., RunConfig], transformer: Path, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A sentence encoder alone, as it came."""
    sentence = (f"text.sentence={{model: {transformer}, longest: 24}}", "text.ngrams=null", "name=frozen")
    return train_tiny(configure(tmp_path_factory.mktemp("frozen"), *QUICK, *sentence))


@pytest.fixture(scope="module")
def tuned(configure: Callable[..., RunConfig], transformer: Path, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """n-grams beside a sentence encoder that learned on."""
    sentence = (f"text.sentence={{model: {transformer}, fine_tune: true, rate: 1, longest: 24}}", "name=tuned")
    return train_tiny(configure(tmp_path_factory.mktemp("tuned"), *QUICK, *sentence))


@pytest.fixture(params=["navec", "frozen", "tuned"])
def trained(request: pytest.FixtureRequest) -> Tiny:
    found: Tiny = request.getfixturevalue(request.param)
    return found


def _torch(part: TextPart, run: Tiny, products: list[Product]) -> np.ndarray:
    """What the trained modules say of products' text: probabilities [N, leaves] before calibration."""
    from multimodal.training.prepare import text_kitchen

    assert run.export.config.text is not None
    kitchen = text_kitchen(run.export.config.text)
    ids = Engine(open_bundle(run.bundle), threads=1).known_ids(kitchen.encode([kitchen.fields(p) for p in products]))
    with torch.no_grad():
        logits = part.tower({name: tensors_of(part, name, ragged) for name, ragged in ids.items()})[1]
    return softmax(logits.numpy())


def _text(products: list[Product], n: int = 40) -> list[Product]:
    some = [Product(title=p.title, characteristics=p.characteristics) for p in products if p.title]
    # Lengths of every kind: nothing known, one word, and more than any encoder reads.
    return [Product(title="qqq"), Product(title="Платье"), Product(title="red dress " * 90), *some[:n]]


def test_the_bundle_answers_as_torch_does(trained: Tiny, val_products: list[Product]) -> None:
    manifest = read_manifest(trained.bundle)
    assert verify_bundle(trained.bundle) == []
    told = manifest.provenance["parity"]["text"]
    assert told["rows"] >= 60
    assert told["probability"] <= told["bound"] == STORED_BOUND
    products = _text(val_products)
    bundle = open_bundle(trained.bundle)
    engine, kitchen = Engine(bundle, threads=1), Kitchens(bundle).text
    assert kitchen is not None
    wanted = _torch(trained.text, trained, products)
    encoded = kitchen.encode([kitchen.fields(p) for p in products])
    ours = softmax(engine.text(engine.known_ids(encoded))[1])
    assert np.abs(ours - wanted).max() <= STORED_BOUND
    for at in (0, 2, 5):
        alone = engine.text(engine.known_ids(kitchen.encode([kitchen.fields(products[at])])))
        np.testing.assert_allclose(softmax(alone[1])[0], ours[at], atol=ALONE)


def test_the_manifest_tells_each_encoder(navec: Tiny, frozen: Tiny, tuned: Tiny) -> None:
    told = {}
    for run in (navec, frozen, tuned):
        manifest = read_manifest(run.bundle)
        text, part = manifest.text, run.text
        assert text is not None
        assert text.names == tuple(part.tower.parts)
        assert text.encoder == " + ".join(text.names)
        assert text.dim == sum(spec.dim for spec in text.encoders.values()) == part.tower.dim
        assert text.vocabulary == sum(spec.vocabulary for spec in text.encoders.values())
        for name, vocabulary in open_bundle(run.bundle).vocabularies().items():
            assert type(vocabulary) is type(part.vocabularies()[name])
            assert len(vocabulary) == text.encoders[name].vocabulary
        told[manifest.name] = (text.names, manifest.requires, {n: s.origin for n, s in text.encoders.items()})
    assert told == {
        "navec": (
            ("ngrams", "navec"), (),
            {"ngrams": None, "navec": "navec_news_v1_1B_250K_300d_100q.tar of the package natasha (MIT)"},
        ),
        "frozen": (("sentence",), ("sentence",), {"sentence": "the folder tiny, frozen"}),
        "tuned": (("ngrams", "sentence"), ("sentence",), {"ngrams": None, "sentence": "the folder tiny, learned on"}),
    }  # fmt: skip
    assert read_manifest(navec.bundle).provenance["navec_weights"].startswith("navec_news_v1")


def test_vocabularies_are_those_of_training(navec: Tiny, tuned: Tiny) -> None:
    known, trained = open_bundle(navec.bundle).vocabularies(), navec.text.vocabularies()
    words, theirs = known["navec"], trained["navec"]
    assert isinstance(words, WordVocabulary)
    assert isinstance(theirs, WordVocabulary)
    np.testing.assert_array_equal(words.hashes, theirs.hashes)
    np.testing.assert_array_equal(words.is_word, theirs.is_word)
    assert 0 < words.is_word.sum() < len(words), "words, and n-grams for those that navec lacks"
    grams = known["ngrams"]
    assert isinstance(grams, HashVocabulary)
    pieces = open_bundle(tuned.bundle).vocabularies()["sentence"]
    assert isinstance(pieces, PieceVocabulary)
    assert {p.name for p in tuned.bundle.iterdir()} == {
        LAYOUT.manifest, LAYOUT.tree, LAYOUT.text, LAYOUT.vocabulary, LAYOUT.sentence, LAYOUT.tokenizer,
    }  # fmt: skip


# --- served without what made them


def _served(bundle: Path, products: list[Product], without: tuple[str, ...]) -> np.ndarray:
    """Probabilities of titles by a process that cannot import some modules."""
    titles = json.dumps([p.title for p in products])
    code = f"""
import sys
sys.modules.update(dict.fromkeys({without!r}))
import json, multimodal
from multimodal.types import Product
predictor = multimodal.load({str(bundle)!r}, threads=1)
predictor.warm_up()
found = predictor.leaf_probabilities([Product(title=title) for title in json.loads(sys.argv[1])])
print(json.dumps(found.tolist()))
"""
    command = [sys.executable, "-c", code, titles]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return np.array(json.loads(done.stdout), np.float32)


def test_word_vectors_are_served_without_navec_and_natasha(navec: Tiny, val_products: list[Product]) -> None:
    products = [Product(title=p.title) for p in val_products if p.title][:20]
    shut_out = (*TRAINERS, "navec", "natasha", "slovnet", "razdel", "pymorphy3", "tokenizers")
    theirs = _served(navec.bundle, products, shut_out)
    ours = multimodal.load(navec.bundle, threads=1).leaf_probabilities(products)
    np.testing.assert_allclose(theirs, ours, atol=1e-5)
    assert np.isfinite(theirs).all()


def test_a_sentence_encoder_is_served_without_transformers(tuned: Tiny, val_products: list[Product]) -> None:
    products = [Product(title=p.title) for p in val_products if p.title][:20]
    theirs = _served(tuned.bundle, products, (*TRAINERS, "huggingface_hub", "sentence_transformers", "navec"))
    ours = multimodal.load(tuned.bundle, threads=1).leaf_probabilities(products)
    np.testing.assert_allclose(theirs, ours, atol=1e-5)
    assert np.isfinite(theirs).all()


def test_without_tokenizers_the_extra_is_named(tuned: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"The bundle 'tuned' needs .*pip install 'multimodal\[sentence\]'"):
        multimodal.load(tuned.bundle)


def test_inspect_lists_the_encoders(tuned: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "160")
        patch.setattr(sys, "argv", ["multimodal", "bundle", "inspect", str(tuned.bundle)])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code in {0, None}
    said = capsys.readouterr().out
    # The table goes to a wider type where this processor's rounding misses the bound of parity.
    text = read_manifest(tuned.bundle).text
    assert text is not None
    for told in (f"ngrams: 1,024 × 24, {text.storage}", "× 32, ", "from the folder tiny, learned on", "[sentence]"):
        assert told in said


# --- trained on


def test_a_sentence_encoder_that_learns_on_moves_and_a_frozen_one_does_not(
    frozen: Tiny, tuned: Tiny, transformer: Path
) -> None:
    from multimodal.models.sentence import SentenceEncoder, find_sentence_model

    begun = SentenceEncoder(find_sentence_model(str(transformer)), fine_tune=False).state_dict()
    for run, moved in ((frozen, False), (tuned, True)):
        state = run.text.tower.parts["sentence"].state_dict()
        assert any(not torch.equal(value, begun[key]) for key, value in state.items()) == moved


@pytest.mark.parametrize("name", ["navec", "frozen"])
def test_a_bundle_comes_back_into_torch(
    name: str, request: pytest.FixtureRequest, val_products: list[Product]
) -> None:
    run: Tiny = request.getfixturevalue(name)
    products = _text(val_products)
    part = deepcopy(run.text)
    with torch.no_grad():
        part.tower.head.weight.normal_()
    for encoder in part.tower.parts.values():
        encoder.forget(torch.Generator().manual_seed(3))
    wanted = _torch(run.text, run, products)
    assert np.abs(_torch(part, run, products) - wanted).max() > 0.1
    rows = sum(len(v) for n, v in part.vocabularies().items() if n != "sentence")
    assert load_text(part.tower, part.vocabularies(), run.bundle) == f"{rows:,} of {rows:,} rows"
    assert np.abs(_torch(part, run, products) - wanted).max() <= 2 * STORED_BOUND


def test_what_a_sentence_encoder_learned_is_not_read_back(tuned: Tiny) -> None:
    part = deepcopy(tuned.text)
    with pytest.raises(ConfigError, match=r"learns on starts from its own model, not from a bundle"):
        load_text(part.tower, part.vocabularies(), tuned.bundle)
    sentence = part.tower.parts["sentence"]
    sentence.fine_tune = False
    with pytest.raises(ConfigError, match=r"is the folder tiny, learned on, and what it learned cannot be read back"):
        load_text(part.tower, part.vocabularies(), tuned.bundle)


# --- beside photos


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoder",
    [
        ("text.ngrams=null", "text.navec={dim: 32, subwords: 256}"),
        ("text.ngrams=null", "text.sentence={model: MODEL, longest: 24}"),
        ("text.sentence={model: MODEL, longest: 24, fine_tune: true}",),
        ("text.ngrams=null", "text.sentence={model: MODEL, longest: 24}", "fusion.tower_rate=0.1"),
    ],
    ids=["navec", "frozen", "tuned", "towers learn on"],
)
def test_every_encoder_is_fused_with_photos(
    encoder: tuple[str, ...],
    configure: Callable[..., RunConfig],
    transformer: Path,
    full: list[Product],
    tmp_path: Path,
) -> None:
    settings = [part.replace("MODEL", str(transformer)) for part in encoder]
    if "navec" in encoder[-1]:
        pytest.importorskip("navec", reason="needs the [ru] extra")
    run = train_tiny(configure(tmp_path, "data.train.0.share=0.5", "text.epochs=1", "image.epochs=1", *settings))
    manifest = read_manifest(run.bundle)
    assert manifest.heads == ("fused", "text", "image")
    assert set(manifest.provenance["parity"]) == {"fused", "text", "image"}
    answers = multimodal.load(run.bundle, threads=1).classify([full[0], Product(image=full[1].image)])
    assert [a.used for a in answers if isinstance(a, Prediction)] == ["fused", "image"]
    assert isinstance(full[0].image, ImageRef)
