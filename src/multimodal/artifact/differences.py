"""What sets two bundles apart, by what they say of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from multimodal.artifact.bundle import Bundle
from multimodal.taxonomy import Tree

FIGURES = ("top1", "hf1", "ece", "nll")


@dataclass(frozen=True, slots=True)
class TreeChange:
    """Categories by id that one tree has and the other has not, or has otherwise.

    Attributes:
        renamed: id -> both names.
        moved: id -> both paths of names, of nodes whose parent is another.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: dict[str, tuple[str, str]]
    moved: dict[str, tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.renamed or self.moved)


def tree_change(first: Tree, second: Tree) -> TreeChange:
    """What becomes of the categories of ``first`` in ``second``, in the order of the trees."""
    before, after = ({node.id: node for node in tree.nodes} for tree in (first, second))
    both = [key for key in before if key in after]
    return TreeChange(
        added=tuple(key for key in after if key not in before),
        removed=tuple(key for key in before if key not in after),
        renamed={key: (before[key].name, after[key].name) for key in both if before[key].name != after[key].name},
        moved={
            key: (_path(first, key), _path(second, key))
            for key in both
            if before[key].parent_id != after[key].parent_id
        },
    )


def said_differently(first: Bundle, second: Bundle) -> dict[str, tuple[Any, Any]]:
    """Name -> what each bundle says of it, where that differs: version, inputs, heads, capabilities, size, towers."""
    told = [_told(bundle) for bundle in (first, second)]
    names = dict.fromkeys([*told[0], *told[1]])
    return {name: (told[0].get(name), told[1].get(name)) for name in names if told[0].get(name) != told[1].get(name)}


def figures_of_both(first: Bundle, second: Bundle) -> dict[str, dict[str, tuple[float, float]]]:
    """Mix of inputs -> figure -> both values, as measured on each bundle's own validation rows when it was made."""
    before, after = (bundle.manifest.metrics.get("val", {}) for bundle in (first, second))
    found = {}
    for mix in first.manifest.calibration.mixes:
        one, other = (measured.get(mix, {}).get("answer", {}) for measured in (before, after))
        both = {key: (one[key], other[key]) for key in FIGURES if key in one and key in other}
        if both:
            found[mix] = both
    return found


def _path(tree: Tree, node_id: str) -> str:
    return " > ".join(node.name for node in tree.path(node_id))


def _told(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    image = manifest.image
    return {
        "name": manifest.name,
        "version": manifest.version,
        "made with": manifest.made_with,
        "leaves": manifest.leaves,
        "inputs": ", ".join(manifest.inputs),
        "heads": ", ".join(manifest.heads),
        "can": ", ".join(name for name, able in manifest.capabilities.items() if able),
        "tags": ", ".join(tag.name for tag in manifest.tags),
        "attributes": ", ".join(attribute.name for attribute in manifest.attributes),
        "needs": ", ".join(manifest.requires),
        "photo": None if image is None else f"{image.backbone} {image.kitchen['height']}×{image.kitchen['width']}",
        "MB of graphs and data": round(sum(entry.bytes for entry in manifest.files.values()) / 1e6, 2),
    }
