"""What ``multimodal evaluate`` checks before minutes of work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from multimodal.errors import InputError

if TYPE_CHECKING:
    from multimodal.config.models import SourceConfig


def check_out(out: Path | None) -> None:
    """Refuses a place for the figures that cannot be written, before minutes of work."""
    if out is None:
        return
    if out.is_dir():
        raise InputError(f"--out {out}: got a folder, expected a file for the figures, as {out / 'figures.json'}")
    blocking = next((folder for folder in out.parents if folder.exists() and not folder.is_dir()), None)
    if blocking is not None:
        raise InputError(f"--out {out}: {blocking} is a file, expected a folder; name another place")


def check_plan(
    source: SourceConfig,
    *,
    report: Path | None,
    history: Path | None,
    errors: Path | None,
    unmeasured: Path,
) -> None:
    """What would fail after minutes of work fails now."""
    if errors is not None:
        from multimodal.serving.files import check_output

        check_output(errors, source.path)
        if errors.absolute() == unmeasured.absolute():
            raise InputError(f"--errors {errors}: rows that cannot be measured are listed there; choose another name")
    if history is not None and report is None:
        raise InputError(f"--history {history}: got no --report, whose plots it is for; add --report FOLDER")
    if report is not None:
        from multimodal.report import check_report

        check_report(report, history)
