"""Bundles that stand side by side, told apart by their names."""

from __future__ import annotations

from collections.abc import Iterable

from multimodal.errors import BundleError


def check_names(named: Iterable[tuple[str, str]]) -> None:
    """Raises BundleError where two bundles have one name.

    Args:
        named: the folder and the name of each bundle.
    """
    folders: dict[str, str] = {}
    for folder, name in named:
        if name in folders:
            raise BundleError(
                f"got the name {name!r} twice, from {folders[name]} and from {folder}; expected a name of its own for "
                "each bundle, since requests choose by it. Leave one of them out, or train it under another `name`."
            )
        folders[name] = folder
