"""Compares a bundle with another system on the same rows: what it answered before, or another bundle now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from multimodal.errors import DataError
from multimodal.evaluation import NO_ANSWER, Versus, compare_answers, ece, leaf_nodes
from multimodal.serving.measured import Ints, Measured, PeerAnswers
from multimodal.taxonomy import Tree

_SOME = 5


@dataclass(frozen=True, slots=True)
class AgainstReport:
    """This bundle less the peer.

    Attributes:
        unanswered: rows the peer gave no category for; they count as wrong.
        peer_ece: of the peer's own probabilities, over the rows it answered; None where it does not say them.
    """

    name: str
    versus: Versus
    unanswered: int
    peer_ece: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; ``mean_a`` is this bundle, ``mean_b`` the peer."""
        return {
            "name": self.name,
            **self.versus.to_dict(),
            "unanswered": self.unanswered,
            "peer_ece": self.peer_ece,
        }


def compare(measured: Measured, peer: PeerAnswers, tree: Tree) -> AgainstReport:
    """Paired differences with intervals over groups; the rows are those that the bundle answered.

    Raises:
        DataError: the peer answers with categories that the tree does not have.
    """
    theirs = _nodes(peer, tree)
    leaves = leaf_nodes(tree)
    labels = leaves[measured.labels]
    versus = compare_answers(leaves[measured.pred], theirs, labels, tree, measured.groups)
    answered = theirs != NO_ANSWER
    sure = None if peer.probabilities is None else peer.probabilities[answered]
    told = sure is not None and len(sure) > 0 and bool(np.isfinite(sure).all())
    peer_ece = ece(sure, theirs[answered] == labels[answered]) if told and sure is not None else None
    return AgainstReport(peer.name, versus, int((~answered).sum()), peer_ece)


def check_categories(name: str, category_ids: Sequence[str | None], tree: Tree) -> None:
    """Raises DataError where not one of the answers is in the tree; to be asked before any work is done."""
    told = [i for i in category_ids if i is not None]
    if told and not any(i in tree.node_index for i in told):
        raise _of_another_tree(name, sorted(set(told)))


def check_tree(name: str, other: Tree, tree: Tree) -> None:
    """Raises DataError for a peer of another tree; to be asked before any work is done.

    Ids are numbers in many trees, so that two trees that have nothing in common may share them: most of the leaves that
    both have must have one name. A category that was added, moved or named anew makes no other tree.
    """
    shared = [leaf for leaf in other.leaves if leaf in tree.leaf_index]
    alike = [leaf for leaf in shared if other.node(leaf).name == tree.node(leaf).name]
    if len(alike) <= len(shared) / 2:
        unlike = next((leaf for leaf in shared if leaf not in alike), None)
        told = "they share no id of a leaf" if unlike is None else (
            f"{len(shared) - len(alike):,} of {len(shared):,} ids that both have stand for other categories, as "
            f"{unlike}: {other.node(unlike).name!r} there, {tree.node(unlike).name!r} here"
        )  # fmt: skip
        raise DataError(
            f"{name}: got a bundle of another tree, expected one of this bundle's; {told}. Compare systems of one tree."
        )


def _nodes(peer: PeerAnswers, tree: Tree) -> Ints:
    unknown = sorted({i for i in peer.category_ids if i is not None and i not in tree.node_index})
    if unknown:
        raise _of_another_tree(peer.name, unknown)
    return np.array([NO_ANSWER if i is None else tree.node_index[i] for i in peer.category_ids], dtype=np.int64)


def _of_another_tree(name: str, unknown: Sequence[str]) -> DataError:
    shown = ", ".join(unknown[:_SOME]) + (f" and {len(unknown) - _SOME:,} more" if len(unknown) > _SOME else "")
    return DataError(
        f"{name}: answers with categories that this bundle's tree does not have, ids {shown}; "
        "expected ids of the same tree. Compare systems of one tree, or map the peer's ids first."
    )
