"""What the export refuses, what it tries next, and what it does with the folder it writes to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import Tiny
from export_support import exported_again
from multimodal.artifact import LAYOUT, bundle_sha256, open_bundle, read_manifest, verify_bundle
from multimodal.artifact.engine import Engine, Tower
from multimodal.config import RunConfig
from multimodal.errors import ExportError
from multimodal.export.parity import STORED_BOUND, Towers, prove
from multimodal.export.scorer import Scorer
from multimodal.export.write import Export, check_output, write_bundle
from multimodal.training.arrays import Split
from multimodal.types import EncodedText, TextFeatures, TextIds


def _ruined(export: Export, change: Callable[[Towers], None]) -> Towers:
    towers = deepcopy(export.towers)
    with torch.no_grad():
        change(towers)
    return towers


def _uneven(export: Export) -> Towers:
    """One huge column in each row leaves int8 no steps for the others, which the head then blows up."""

    def blow_up(towers: Towers) -> None:
        assert towers.text is not None
        towers.text.tower.get_parameter("encoders.ngrams.table.weight")[1:, 0] = 1000.0
        towers.text.tower.head.weight[:, 0] = 0.0

    return _ruined(export, blow_up)


def test_weights_too_wide_for_int8_are_refused_and_the_output_is_untouched(tiny: Tiny, tmp_path: Path) -> None:
    output = Path(shutil.copytree(tiny.bundle, tmp_path / "bundle"))
    before = bundle_sha256(read_manifest(output))
    export = exported_again(tiny.export, tmp_path, image=False, towers=_uneven(tiny.export), text_storage="int8")
    with pytest.raises(ExportError, match=r"text head: .*differ from torch by up to .*\(bound 5e-03\)") as told:
        write_bundle(export, tmp_path / "work")
    assert "Set export.text_storage" in told.value.message
    assert verify_bundle(output) == []
    assert bundle_sha256(read_manifest(output)) == before


def test_a_storage_left_open_takes_a_wider_type_where_int8_fails(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_bundle(
        exported_again(tiny.export, tmp_path, image=False, towers=_uneven(tiny.export)), tmp_path / "work"
    )
    manifest = read_manifest(bundle)
    assert manifest.text is not None
    assert (manifest.heads, manifest.text.storage) == (("text",), "float16")
    assert manifest.provenance["parity"]["text"]["probability"] <= STORED_BOUND
    told = " ".join(capsys.readouterr().err.split())
    assert "text table in int8 refused, trying text table in float16: text head:" in told


def test_a_photo_tower_left_open_is_stored_whole_where_rounding_changes_answers(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("multimodal.export.parity.STORED_BOUND", 1e-9)
    bundle = write_bundle(exported_again(tiny.export, tmp_path, text_storage="float32"), tmp_path / "work")
    manifest = read_manifest(bundle)
    assert manifest.image is not None
    assert manifest.image.storage == "float32"
    told = " ".join(capsys.readouterr().err.split())
    assert "photo tower in int16 refused, trying text table in float32, photo tower in float32: image head:" in told


@pytest.mark.parametrize("head", ["text", "image", "fused"])
def test_a_graph_that_says_something_else_is_refused(tiny: Tiny, head: str) -> None:
    """The finished graphs are held against torch modules that were changed afterwards."""

    def change(towers: Towers) -> None:
        assert towers.text is not None
        module = {"text": towers.text.tower, "image": towers.image, "fused": towers.fusion}[head]
        assert module is not None
        module.head.bias[3] += 0.5

    engine = Engine(open_bundle(tiny.bundle), threads=1)
    stored = {"text": "int8", "image": "int16"}
    assert set(prove(engine, tiny.export.towers, tiny.export.val, 40, stored)) == {"text", "image", "fused"}
    with pytest.raises(ExportError, match=f"{head} head: probabilities of the exported graph differ"):
        prove(engine, _ruined(tiny.export, change), tiny.export.val, 40, stored)


def test_a_fault_that_only_fewer_inputs_show_is_refused_by_the_name_of_the_mix(tiny: Tiny) -> None:
    val = tiny.export.val
    whole = val.has_field.sum(axis=1) == val.has_field.sum(axis=1).max()
    val = replace(val, has_field=val.has_field & whole[:, None], has_image=val.has_image & whole)
    engine = Engine(open_bundle(tiny.bundle), threads=1)
    assert val.text is not None
    least = engine.known_ids(val.text)["ngrams"].known()[whole].min()

    class Short(Engine):
        """Wrong about texts shorter than any that is whole."""

        def text(self, ids: TextIds) -> Tower:
            vectors, logits = super().text(ids)
            short = ids["ngrams"].known() < least
            logits[short, 0] += 1
            return vectors, logits

    stored = {"text": "int8", "image": "int16"}
    found = prove(engine, tiny.export.towers, val, len(val), stored)
    assert found["image"].mixes == 0
    assert found["text"].mixes == found["fused"].mixes > 1
    with pytest.raises(ExportError, match=r"text head: .* rows with (title|description|characteristics) keep"):
        prove(Short(open_bundle(tiny.bundle), threads=1), tiny.export.towers, val, len(val), stored)


def test_scores_that_are_no_numbers_are_refused(tiny: Tiny, tmp_path: Path) -> None:
    def spoil(towers: Towers) -> None:
        assert towers.text is not None
        towers.text.tower.head.bias[0] = float("nan")

    towers = _ruined(tiny.export, spoil)
    export = exported_again(tiny.export, tmp_path, image=False, towers=towers, text_storage="float32")
    with pytest.raises(ExportError, match=r"text head: .*by up to nan"):
        write_bundle(export, tmp_path / "work")
    assert not (tmp_path / "bundle").exists()


def _first(split: Split, n: int) -> Split:
    """The first rows of a split."""

    def cut(encoded: EncodedText | None) -> EncodedText | None:
        if encoded is None:
            return None
        return {name: _first_features(features, n) for name, features in encoded.items()}

    return replace(
        split,
        ids=split.ids[:n],
        groups=split.groups[:n],
        labels=split.labels[:n],
        has_field=split.has_field[:n],
        text=cut(split.text),
        masked=cut(split.masked),
        pixels=None if split.pixels is None else split.pixels[:n],
        has_image=split.has_image[:n],
        half=split.half[:n],
    )


def _first_features(features: TextFeatures, n: int) -> TextFeatures:
    end = features.offsets[n]
    return TextFeatures(features.hashes[:end], features.tokens[:end], features.fields[:end], features.offsets[: n + 1])


def test_too_few_validation_rows_are_refused(tiny: Tiny, tmp_path: Path) -> None:
    export = exported_again(tiny.export, tmp_path, image=False)
    export = replace(export, val=_first(export.val, 15))
    with pytest.raises(ExportError, match=r"text tower: got fewer than 20 validation rows with .*title"):
        write_bundle(export, tmp_path / "work")
    assert not (tmp_path / "bundle").exists()


def test_no_validation_row_with_both_is_no_obstacle(tiny: Tiny) -> None:
    """Titles without photos and photos without titles: nothing to compare the fusion on, and no crash."""
    val = tiny.export.val
    some = np.arange(len(val)) % 2 == 0
    apart = replace(val, has_field=val.has_field & some[:, None], has_image=val.has_image & ~some)
    engine = Engine(open_bundle(tiny.bundle), threads=1)
    found = prove(engine, tiny.export.towers, apart, 40, {"text": "int8", "image": "int16"})
    assert found["fused"].rows == 0
    assert {"title", "image"} <= {"+".join(mix) for mix in Scorer(engine, apart).available()}
    assert not any("image" in mix and len(mix) > 1 for mix in Scorer(engine, apart).available())


# --- the output


@pytest.mark.parametrize("thing", ["file", "folder"])
def test_an_output_that_is_something_else_is_refused(
    configure: Callable[..., RunConfig], tmp_path: Path, thing: str
) -> None:
    from multimodal.export.run import train

    output = tmp_path / "bundle"
    if thing == "folder":
        output.mkdir()
        (output / "thesis.txt").write_text("years of work", encoding="utf-8")
    else:
        output.write_text("years of work", encoding="utf-8")
    with pytest.raises(ExportError, match=r"output: .*expected a name that is free or an older bundle"):
        train(configure(tmp_path))
    assert output.exists()
    assert not (tmp_path / "runs").exists(), "said before anything is trained"


def test_an_output_may_be_free_empty_or_an_older_bundle(tiny_bundle: Path, tmp_path: Path) -> None:
    for place in (tmp_path / "free", tmp_path, tiny_bundle):
        check_output(place)


def test_a_new_bundle_replaces_the_old_one_and_what_was_said_of_it(tiny: Tiny, tmp_path: Path) -> None:
    output = Path(shutil.copytree(tiny.bundle, tmp_path / "bundle"))
    (output / LAYOUT.card).write_text("# The old one\n", encoding="utf-8")
    write_bundle(exported_again(tiny.export, tmp_path, image=False), tmp_path / "work")
    assert read_manifest(output).heads == ("text",)
    assert verify_bundle(output) == []
    assert {p.name for p in output.iterdir()} == {
        LAYOUT.manifest, LAYOUT.tree, LAYOUT.text, LAYOUT.vocabulary,
    }  # fmt: skip
    assert {p.name for p in tmp_path.iterdir()} == {"bundle", "work"}
