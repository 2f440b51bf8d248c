"""The pages for people, at ``/`` and ``/docs``, and the rules that keep anything else out of them."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse

from multimodal_api.docs_page import ADDRESS, docs_page
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
_PLAIN = re.compile(r"https?://[A-Za-z0-9._:/-]+")
"""Addresses without a character that HTML or a shell would take for its own."""

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> FileResponse:
    """The page."""
    return _file(FOLDER / "index.html")


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """What the service takes and answers; its curl lines ask where the page was asked."""
    state = request.app.state
    if not hasattr(state, "docs_page"):
        state.docs_page = docs_page(request.app.openapi())
    address = str(request.base_url).rstrip("/")
    if not _PLAIN.fullmatch(address):
        address = ADDRESS
    return HTMLResponse(state.docs_page.replace(ADDRESS, address), headers=_RULES)


@router.get("/page/{name}")
async def part(request: Request, name: str) -> FileResponse:
    """A script, the style or the icon of the page; nothing outside its folder has such a name."""
    file = FOLDER / name
    if name not in {there.name for there in FOLDER.iterdir()}:
        raise ProblemError(404, "not_found", f"Nothing is served at {request.url.path}; the page is at /.")
    return _file(file)


def _file(file: Path) -> FileResponse:
    return FileResponse(file, media_type=f"{_KINDS[file.suffix]}; charset=utf-8", headers=_RULES)
