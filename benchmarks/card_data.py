"""The parts of a model card on what the bundle was trained from, and on what it does not do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from multimodal.artifact import Manifest
from shipped import Shipped
from tables import cell, table

_ORIGIN = {
    "fashion_products": "Fashion Product Images (Small), from Kaggle, by paramaggarwal. Licence: stated as MIT on "
    "Kaggle, unchecked; the photos are catalog photos.",
    "perekrestok_ru": "titles, short descriptions and characteristics of groceries in Russian, from a public "
    "repository. Licence: MIT on the repository; the texts are those of a store.",
    "clothes_phone": "clothing-dataset-small by Alexey Grigorev. Licence: CC0.",
    "dress_patterns": "dress photos with the pattern that a crowd worker chose, a public set of CrowdFlower. Licence: "
    "not stated, unchecked.",
    "drawings": "drawn by this project's own code (`multimodal sample`). Licence: Apache-2.0, as the project.",
}
_UNKNOWN_ORIGIN = "see the owner of the data for its licence."


def data(manifest: Manifest, evaluation: Mapping[str, Any], full: str) -> list[str]:
    """The section on the data sets, their licences, and what else went in."""
    rows = manifest.provenance.get("rows", {})
    used = ", ".join(f"{count:,} rows for {split}" for split, count in rows.items())
    listed = [[s["split"], s["data"], s["file"] + _joined(s), _count(s)] for s in evaluation["sources"]]
    sets = dict.fromkeys(s["data"] for s in evaluation["sources"])
    return [
        "## Data",
        "",
        *table(["for", "data set", "file", "rows in it"], listed, left=3),
        "",
        f"Used after reading: {used}. Test: {_test_rows(manifest, evaluation, full)}. Rows that share a title or a "
        "photo stay in one split.",
        "",
        *(f"- **{name}**: {_ORIGIN.get(name, _UNKNOWN_ORIGIN)}" for name in sets),
        *_starting_weights(manifest),
        "",
        "No row and no photo of these sets is in the bundle; it holds trained weights, hashes of n-grams and the "
        "category tree.",
        "",
    ]


def _starting_weights(manifest: Manifest) -> list[str]:
    """What did not come from the data sets: pretrained weights, and a dictionary that is looked into."""
    lines = []
    if manifest.image is not None:
        lines.append(
            f"- **Starting weights of the photo tower**: {manifest.provenance.get('image_weights', 'not told')}"
            " (MobileNetV2 trained on ImageNet by Google, TensorFlow models; Apache-2.0)."
        )
        taught = manifest.provenance.get("image_teachers", [])
        lines += [f"- **Teacher of the photo tower**: {told}." for told in taught]
    if manifest.text is not None:
        origins = {name: spec.origin for name, spec in manifest.text.encoders.items() if spec.origin}
        lines += [f"- **Pretrained weights of {name}**: {origin}." for name, origin in origins.items()]
        if manifest.text.kitchen["lemmas"] != "none":
            lines.append(
                "- **Lemmas**: pymorphy3 and its dictionary of OpenCorpora (MIT; the dictionary CC BY-SA 3.0), "
                "installed beside the bundle and not in it."
            )
    return lines


def _test_rows(manifest: Manifest, evaluation: Mapping[str, Any], full: str) -> str:
    test = evaluation["splits"].get("test")
    if test is None:
        return "not measured yet"
    again = "calibrated" in manifest.provenance
    told = "measured again after it was calibrated anew on val; nothing was chosen by it" if again else "measured once"
    return f"{test['cases'][full]['rows']:,} rows, {told}"


def _joined(source: Mapping[str, Any]) -> str:
    return f", only ids of {source['joined']}" if source.get("joined") else ""


def _count(source: Mapping[str, Any]) -> str:
    rows = "–" if source["rows"] is None else f"{source['rows']:,}"
    return rows if source["share"] == 1 else f"{rows}, a share of {source['share']:g}"


def limits(entry: Shipped, manifest: Manifest, evaluation: Mapping[str, Any]) -> list[str]:
    """The section on what it does badly, or not at all."""
    figures = evaluation["splits"]["val"]["cases"][entry.full.name]["heads"]["fused"]
    told = list(entry.limits)
    if manifest.image is not None:
        phones = "; the figure above says how much." if "phone_photos" in evaluation else "."
        told.insert(0, f"Catalog photos are studio shots, mostly on white. Photos from phones are harder{phones}")
    told += _without_title(manifest)
    told += [
        f"Leaves with few rows are weaker: macro F1 is {cell(figures['macro_f1'])} over all leaves seen on val, and "
        f"{cell(figures['macro_f1_10'])} over those with 10 rows or more.",
        f"It knows {manifest.leaves} leaves of {entry.products} and nothing else: a product of another kind may get "
        "one all the same.",
        *_not_told(manifest),
    ]
    return ["## Limits", "", *(f"- {line}" for line in told), ""]


def _not_told(manifest: Manifest) -> list[str]:
    """What answers leave empty, and what to know of the tags that there are."""
    told = []
    if manifest.tags:
        told.append(
            f"Tags ({', '.join(tag.name for tag in manifest.tags)}) were learned on photos of dresses, one label a "
            "photo, and on drawings, with several. On other kinds of products, and on photos as small as 60×80, their "
            "precision is not measured."
        )
    else:
        told.append("No tags, no colour or other attributes: those parts of an answer are empty.")
    if not manifest.capabilities.get("candidates"):
        told.append("No candidate sets: that part of an answer is empty.")
    return told


def _without_title(manifest: Manifest) -> list[str]:
    """What the other texts say by themselves."""
    val = manifest.metrics.get("val", {})
    told = [f"{val[name]['answer']['top1']:.4f} from {name} alone" for name in ("description", "characteristics")
            if name in val]  # fmt: skip
    return [f"Other texts say less than a title does. Top-1 on val: {', '.join(told)}."] if told else []
