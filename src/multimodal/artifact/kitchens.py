"""The text and the image kitchen that a bundle was trained with, from what its manifest keeps of them."""

from __future__ import annotations

from multimodal.artifact.bundle import Bundle
from multimodal.errors import BundleError
from multimodal.image import ImageKitchen
from multimodal.text import TextKitchen, TextKitchenConfig
from multimodal.text.kitchen import VERSION as TEXT_VERSION


def text_kitchen_of(bundle: Bundle) -> TextKitchen | None:
    """None without a text side.

    Raises:
        BundleError: a kitchen of another version than this release's.
    """
    manifest = bundle.manifest
    if manifest.text is None:
        return None
    if manifest.text.kitchen_version != TEXT_VERSION:
        raise BundleError(
            f"the bundle {manifest.name!r} was made with text kitchen {manifest.text.kitchen_version}, "
            f"this release has {TEXT_VERSION}; export the bundle again, or install the release it names: "
            f"{manifest.made_with}"
        )
    tokenizer = bundle.file(bundle.layout.tokenizer)
    return TextKitchen(TextKitchenConfig.model_validate(manifest.text.kitchen), tokenizer=tokenizer)


def image_kitchen_of(bundle: Bundle) -> ImageKitchen | None:
    """None without a photo side.

    Raises:
        BundleError: as ``text_kitchen_of``.
    """
    spec = bundle.manifest.image
    return None if spec is None else ImageKitchen.from_manifest(spec.kitchen)
