"""The bundle: layout, manifest, hashes, opening and running it."""

from multimodal.artifact.bundle import (
    Bundle,
    bundle_sha256,
    open_bundle,
    read_manifest,
    total_bytes,
    verify_bundle,
)
from multimodal.artifact.layout import LAYOUT, BundleLayout
from multimodal.artifact.manifest import (
    AttributeSpec,
    Calibration,
    CandidateRule,
    HeadMix,
    Manifest,
    NoveltySpec,
    Profile,
    Promise,
    TagSpec,
    UnnamedSpec,
    mix_name,
)

__all__ = [
    "LAYOUT",
    "AttributeSpec",
    "Bundle",
    "BundleLayout",
    "Calibration",
    "CandidateRule",
    "HeadMix",
    "Manifest",
    "NoveltySpec",
    "Profile",
    "Promise",
    "TagSpec",
    "UnnamedSpec",
    "bundle_sha256",
    "mix_name",
    "open_bundle",
    "read_manifest",
    "total_bytes",
    "verify_bundle",
]
