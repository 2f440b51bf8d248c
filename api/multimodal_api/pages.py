"""The page at ``/`` for people: a few files, and the rules that keep anything else out of it."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse

from multimodal_api.problems import ProblemError

FOLDER = Path(__file__).parent / "page"
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
_RULES = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> FileResponse:
    """The page."""
    return _file(FOLDER / "index.html")


@router.get("/page/{name}")
async def part(request: Request, name: str) -> FileResponse:
    """A script, the style or the icon of the page; nothing outside its folder has such a name."""
    file = FOLDER / name
    if name not in {there.name for there in FOLDER.iterdir()}:
        raise ProblemError(404, "not_found", f"Nothing is served at {request.url.path}; the page is at /.")
    return _file(file)


def _file(file: Path) -> FileResponse:
    return FileResponse(file, media_type=f"{_KINDS[file.suffix]}; charset=utf-8", headers=_RULES)
