"""Opening a bundle: schema, hashes, tree and vocabulary checked before anything is used."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from multimodal.artifact.layout import LAYOUT, BundleLayout
from multimodal.artifact.manifest import SCHEMA_VERSION, Manifest, own_sha256
from multimodal.artifact.novelty import Novelty, read_novelty
from multimodal.artifact.unnamed import UnnamedHead, read_unnamed
from multimodal.artifact.vocabulary import HashVocabulary, PieceVocabulary, Vocabulary, WordVocabulary
from multimodal.errors import BundleError, MissingExtraError
from multimodal.taxonomy import Tree
from multimodal.types import EncoderName

_EXTRA_MODULES = {"ru": "razdel", "sentence": "tokenizers"}
"""A module that shows whether an extra is installed, where it is not called like the extra."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle: its manifest, its tree and where its files are."""

    path: Path
    manifest: Manifest
    tree: Tree
    layout: BundleLayout = LAYOUT

    def file(self, name: str) -> Path:
        """Full path of one of the bundle's files."""
        return self.path / name

    def novelty(self) -> Novelty | None:
        """What tells strange photos; None where the bundle does not."""
        spec = self.manifest.novelty
        return None if spec is None else read_novelty(self.file(self.layout.novelty), spec.threshold)

    def unnamed(self) -> UnnamedHead | None:
        """The second text head; None where the bundle has none."""
        return None if self.manifest.unnamed is None else read_unnamed(self.file(self.layout.unnamed))

    def vocabularies(self) -> dict[EncoderName, Vocabulary]:
        """What each text encoder knows; empty without a text part."""
        from safetensors import safe_open

        spec = self.manifest.text
        if spec is None:
            return {}
        found: dict[EncoderName, Vocabulary] = {}
        with safe_open(self.file(self.layout.vocabulary), framework="numpy") as tensors:
            for name in spec.names:
                if name == "ngrams":
                    found[name] = HashVocabulary(tensors.get_tensor("hashes"))
                elif name == "navec":
                    words = tensors.get_tensor("navec.hashes"), tensors.get_tensor("navec.is_word")
                    found[name] = WordVocabulary(*words)
                else:
                    found[name] = PieceVocabulary(spec.encoders[name].vocabulary)
        return found


def open_bundle(path: str | Path, *, verify: bool = True) -> Bundle:
    """Opens the bundle in a folder.

    Args:
        verify: compare every file with its hash first; loading does so by default.

    Raises:
        BundleError: no bundle there, another schema, a changed or missing file, a tree that does not fit.
        MissingExtraError: the bundle needs an optional dependency that is not installed.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    if verify:
        problems = verify_bundle(folder)
        if problems:
            raise BundleError(
                f"{folder}: the bundle is not what was exported: {'; '.join(problems)}. "
                "Fetch or export it again; a bundle is never repaired by hand."
            )
    for extra in manifest.requires:
        if importlib.util.find_spec(_EXTRA_MODULES.get(extra, extra)) is None:
            raise MissingExtraError(extra, feature=f"The bundle {manifest.name!r}")
    tree = Tree.from_json(json.loads(folder.joinpath(LAYOUT.tree).read_text(encoding="utf-8")))
    if tree.version != manifest.tree_version or len(tree.leaves) != manifest.leaves:
        raise BundleError(
            f"{folder}: {LAYOUT.tree} has version {tree.version} and {len(tree.leaves)} leaves, the manifest "
            f"expects {manifest.tree_version} and {manifest.leaves}. Export the bundle again."
        )
    return Bundle(folder, manifest, tree)


def read_manifest(folder: Path) -> Manifest:
    """Reads and validates ``manifest.json``.

    Raises:
        BundleError: it is missing, changed, not JSON, of another schema version or not as declared.
    """
    file = folder / LAYOUT.manifest
    if not file.is_file():
        raise BundleError(
            f"{folder}: got no {LAYOUT.manifest}, expected a bundle's folder. "
            f"{'Give' if folder.is_dir() else 'There is no such folder: give'} the one that `multimodal train` wrote, "
            "for example artifacts/fashion."
        )
    try:
        raw: Any = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BundleError(f"{file}: not readable as JSON: {error}. Export the bundle again.") from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{file}: got schema version {version!r}, expected {SCHEMA_VERSION}. "
            "Install the release of multimodal that made it, or export it again with this one."
        )
    try:
        manifest = Manifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise BundleError(f"{file}: {where}: {first['msg']}. Export the bundle again.") from error
    if manifest.manifest_sha256 is not None and manifest.manifest_sha256 != own_sha256(raw):
        raise BundleError(
            f"{file}: changed since it was exported: its values do not have the sha256 it expects of itself. "
            "Fetch or export the bundle again; a bundle is never repaired by hand."
        )
    _check_complete(manifest, file)
    return manifest


def _check_complete(manifest: Manifest, file: Path) -> None:
    """The files that the manifest's own parts need are among those it lists."""
    needed = {
        LAYOUT.tree: True,
        LAYOUT.vocabulary: manifest.text is not None,
        LAYOUT.text: manifest.text is not None,
        LAYOUT.sentence: manifest.text is not None and manifest.text.sentence is not None,
        LAYOUT.tokenizer: manifest.text is not None and manifest.text.sentence is not None,
        LAYOUT.image: manifest.image is not None,
        LAYOUT.fusion: manifest.fusion,
        LAYOUT.novelty: manifest.novelty is not None,
        LAYOUT.unnamed: manifest.unnamed is not None,
    }
    missing = [name for name, asked in needed.items() if asked and name not in manifest.files]
    if missing:
        raise BundleError(
            f"{file}: files: got no {', '.join(missing)}, expected every file of the parts it describes. "
            "Export the bundle again."
        )


def verify_bundle(folder: str | Path) -> list[str]:
    """Compares every file with the manifest; returns what differs, empty when nothing does.

    Raises:
        BundleError: when there is no readable manifest.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    problems = []
    for name, entry in manifest.files.items():
        file = folder / name
        if not file.is_file():
            problems.append(f"{name} is missing")
        elif file.stat().st_size != entry.bytes:
            problems.append(f"{name} has {file.stat().st_size} bytes, expected {entry.bytes}")
        elif sha256_of(file) != entry.sha256:
            problems.append(f"{name} has another sha256 than the manifest")
    known = set(manifest.files) | LAYOUT.unhashed
    problems += [f"{p.name} is not in the manifest" for p in sorted(folder.iterdir()) if p.name not in known]
    return problems


def sha256_of(file: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def total_bytes(folder: Path) -> int:
    """Bytes of all files of a bundle, its card and its figures among them."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def bundle_sha256(manifest: Manifest) -> str:
    """One hash for the whole bundle: the sha256 of its files' hashes in the order of their names."""
    joined = "".join(f"{name}:{entry.sha256}\n" for name, entry in sorted(manifest.files.items()))
    return hashlib.sha256(joined.encode()).hexdigest()
