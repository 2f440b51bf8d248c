"""Rare categories: likeness along the tree, and the strength of the logit adjustment chosen on select."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from multimodal.taxonomy import Node, Tree
from multimodal.training.imbalance import best_strength, likeness
from multimodal.training.stage import soft_targets

_PARENTS = {"a": None, "b": None, "a1": "a", "a2": "a", "b1": "b"}
TREE = Tree([Node(node, node, parent) for node, parent in _PARENTS.items()])


def test_leaves_are_alike_as_far_as_their_paths_are() -> None:
    leaves = list(TREE.leaves)
    alike = likeness(TREE)
    assert alike.diagonal().tolist() == [0, 0, 0]
    one, two, other = (leaves.index(leaf) for leaf in ("a1", "a2", "b1"))
    assert alike[one, two] == alike[two, one] == pytest.approx(0.5)  # one of two nodes each
    assert alike[one, other] == 0


def test_soft_targets_add_up_and_keep_the_label_first() -> None:
    targets = soft_targets(0.4 * likeness(TREE)[torch.tensor([0, 2])], torch.tensor([0, 2]))
    assert targets.sum(dim=1).tolist() == pytest.approx([1, 1])
    assert targets.argmax(dim=1).tolist() == [0, 2]


def test_a_strength_is_taken_only_where_it_helps() -> None:
    prior = np.log(np.array([0.9, 0.05, 0.05]))
    labels = np.repeat([0, 1, 2], [20, 10, 10])
    sure = np.eye(3, dtype=np.float32)[labels] * 5
    assert best_strength(sure, labels, prior, TREE) == 0.0, "nothing to mend"
    # Rare rows miss by a little for want of a prior: 0.3 times the gap of log shares is enough.
    leaning = sure.copy()
    leaning[labels != 0, 0] = 5 + 0.6
    assert best_strength(leaning, labels, prior, TREE) == 0.3


def test_of_strengths_as_good_the_weakest_is_taken() -> None:
    prior = np.log(np.array([0.9, 0.05, 0.05]))
    labels = np.repeat([0, 1, 2], [20, 10, 10])
    leaning = np.eye(3, dtype=np.float32)[labels] * 5
    leaning[labels != 0, 0] = 5.1
    assert best_strength(leaning, labels, prior, TREE) == 0.05
