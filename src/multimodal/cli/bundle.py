"""``multimodal bundle``: what a bundle holds, and whether it is what was exported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from multimodal.cli.console import print_json, stdout
from multimodal.errors import BundleError

app = typer.Typer(no_args_is_help=True, help="Look into a bundle, or check it.")

BundleArgument = Annotated[Path, typer.Argument(help="Folder of the bundle.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@app.command()
def inspect(bundle: BundleArgument, as_json: JsonOption = False) -> None:
    """Shows name, capabilities, tree, files, figures, calibration and provenance.

    \b
    Example:
      multimodal bundle inspect artifacts/fashion
    """
    from multimodal.artifact import bundle_sha256, open_bundle, total_bytes
    from multimodal.cli.bundle_tables import print_bundle

    opened = open_bundle(bundle, verify=False)
    digest = bundle_sha256(opened.manifest)
    if as_json:
        extra = {"path": str(bundle), "sha256": digest, "bytes": total_bytes(bundle)}
        print_json({**opened.manifest.model_dump(mode="json"), **extra})
        return
    print_bundle(opened, digest)


@app.command()
def verify(bundle: BundleArgument, as_json: JsonOption = False) -> None:
    """Compares every file with its hash, then loads the model; exit code 2 when something differs.

    \b
    Example:
      multimodal bundle verify artifacts/fashion
    """
    from multimodal.artifact import read_manifest, verify_bundle

    problems = verify_bundle(bundle)
    if as_json:
        print_json({"path": str(bundle), "ok": not problems, "problems": problems})
    if problems:
        raise BundleError(
            f"{bundle}: {'; '.join(problems)}; expected the files as they were exported. "
            "Fetch or export the bundle again."
        )
    from multimodal import load

    load(bundle)
    files = read_manifest(bundle).files
    if not as_json:
        said = f"{bundle}: {len(files)} files match their hashes and the model loads."
        stdout().print(said, markup=False, soft_wrap=True)
