"""What the benchmarks stand on: nested subsets, results that survive a kill, fronts and their knees."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from multimodal.config.models import ImageConfig
from multimodal.errors import ConfigError, DataError

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import backbones
import learning_curve
from front import knee, pareto_front
from records import Records, portable
from short_training import unseen
from subsets import nested_order, parse_sizes

# --- subsets


def _rows(seed: int) -> tuple[list[str], list[str]]:
    """1,000 rows of a common category, 300 of another and 20 rare ones, in groups of up to four rows."""
    labels = ["common"] * 1000 + ["other"] * 300 + [f"rare {i}" for i in range(20)]
    groups = [f"{label}/{i // (1 + i % 4)}" for i, label in enumerate(labels)]
    order = np.random.default_rng(seed).permutation(len(labels))
    return [labels[i] for i in order], [groups[i] for i in order]


def test_an_order_holds_every_row_once_and_groups_side_by_side() -> None:
    labels, groups = _rows(0)
    order = nested_order(labels, groups, seed=1)
    assert sorted(order.tolist()) == list(range(len(labels)))
    runs = [g for i, g in enumerate(groups[row] for row in order) if i == 0 or g != groups[order[i - 1]]]
    assert len(runs) == len(set(groups)), "a group stands in two places, so two sizes would cut it twice"


@pytest.mark.parametrize("size", [66, 264, 660])
def test_a_prefix_holds_each_category_by_its_share(size: int) -> None:
    labels, groups = _rows(0)
    for seed in range(5):
        found = Counter(labels[row] for row in nested_order(labels, groups, seed)[:size])
        for category, rows in (("common", 1000), ("other", 300)):
            # Evenly spread groups miss their share by a group (four rows) at each end.
            assert found[category] == pytest.approx(size * rows / 1320, abs=8)
        assert sum(found.values()) == size


def test_the_seed_decides_and_not_the_order_of_the_file() -> None:
    chosen = []
    for shuffle in (0, 1):
        labels, groups = _rows(shuffle)
        chosen.append({groups[row] for row in nested_order(labels, groups, seed=7)[:200]})
    # A group at the cut may be taken in part from either file.
    assert len(chosen[0] ^ chosen[1]) <= 1
    labels, groups = _rows(0)
    assert nested_order(labels, groups, 1).tolist() != nested_order(labels, groups, 2).tolist()


def test_sizes_are_read_and_those_beyond_all_left_out() -> None:
    assert parse_sizes("200, 50,5000,all", 600) == [50, 200, 600]
    assert parse_sizes("all,600", 600) == [600]
    with pytest.raises(DataError, match=r"got 'ten', expected numbers of at least 20 rows and 'all'"):
        parse_sizes("50,ten", 600)
    with pytest.raises(DataError, match="expected at least one of at most 600 rows"):
        parse_sizes("5000", 600)


# --- records


def test_records_go_on_where_a_run_was_killed(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "curve.json"
    first = Records(file, {"data": "a", "sizes": (1, 2)}, ("rows", "seed"))
    first.add({"rows": 50, "seed": 1, "top1": 0.5})
    # Killed while writing the next one: half a file lies beside the whole one.
    file.with_name("curve.json.new").write_text('{"settings": {', encoding="utf-8")
    second = Records(file, {"data": "a", "sizes": (1, 2)}, ("rows", "seed"))
    assert second.find(rows=50, seed=1) == {"rows": 50, "seed": 1, "top1": 0.5}
    assert second.find(rows=50, seed=2) is None
    second.add({"rows": 50, "seed": 2, "top1": 0.6})
    assert [row["top1"] for row in json.loads(file.read_text(encoding="utf-8"))["rows"]] == [0.5, 0.6]


def test_records_of_other_settings_or_of_something_else_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "curve.json"
    Records(file, {"data": "a", "recipe": 1}, ("rows",)).add({"rows": 50})
    before = file.read_bytes()
    with pytest.raises(DataError, match=r"of another recipe, expected those asked for now; .*name another file"):
        Records(file, {"data": "a", "recipe": 2}, ("rows",))
    with pytest.raises(DataError, match="a record lacks one of size"):
        Records(file, {"data": "a", "recipe": 1}, ("size",))
    assert file.read_bytes() == before
    for text in ("no JSON", "[1]", '{"rows": 3}'):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=r"not results of this benchmark .*name another file"):
            Records(file, {}, ("rows",))


def test_results_name_weights_without_this_machines_folders() -> None:
    assert portable("/data/weights/net.safetensors") == "net.safetensors"
    assert portable("bundle:artifacts/fashion") == "bundle:fashion"
    assert (portable("none"), portable("hub")) == ("none", "hub")


@pytest.mark.parametrize("script", [learning_curve, backbones], ids=lambda script: script.__name__)
def test_help_tells_every_option_and_the_way_to_use_it(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        script.main(["--help"])
    assert end.value.code == 0
    told = capsys.readouterr().out
    assert f"python benchmarks/{script.__name__}.py --" in told
    assert set(re.findall(r"--[a-z-]+", str(script.__doc__))) <= set(re.findall(r"^  (--[a-z-]+)", told, re.MULTILINE))
    assert {"--data", "--json", "--plot", "--work"} <= set(re.findall(r"^  (--[a-z-]+)", told, re.MULTILINE))


# --- fronts


def test_the_front_is_what_nothing_else_beats() -> None:
    costs = [1.0, 2.0, 2.0, 3.0, 4.0, 1.0]
    scores = [0.5, 0.7, 0.6, 0.7, 0.8, 0.4]
    assert pareto_front(costs, scores) == [0, 1, 4]
    assert pareto_front([1, 1], [0.5, 0.5]) == [0, 1], "two alike: neither beats the other"
    assert pareto_front([], []) == []


def test_the_knee_is_where_more_cost_stops_paying() -> None:
    costs, scores = [1.0, 2.0, 5.0, 9.0], [0.50, 0.70, 0.74, 0.75]
    assert knee(costs, scores) == 1
    assert knee([9.0, 5.0, 2.0, 1.0], [0.75, 0.74, 0.70, 0.50]) == 2, "whatever the order"
    assert knee([1.0, 5.0, 9.0], [0.5, 0.52, 0.9]) == 2, "none above the line: the best one"
    assert knee([1.0], [0.5]) == 0
    assert knee([], []) is None


# --- what a short training starts from


def test_a_short_training_begins_with_nothing_that_knows_its_rows() -> None:
    shipped = ImageConfig(weights="bundle:artifacts/fashion", teachers=("artifacts/fashion",))
    with pytest.raises(ConfigError, match="may have learned the rows already"):
        unseen(shipped)
    begun = unseen(shipped, "w.safetensors")
    assert (begun.weights, begun.teachers) == ("w.safetensors", ())
    assert unseen(begun).weights == "w.safetensors"
