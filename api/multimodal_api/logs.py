"""The service's log: a JSON object a line, or plain text for people."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from typing import Literal

from starlette.types import Scope

from multimodal_api.trace import Trace

LogFormat = Literal["json", "text", "off"]

_log = logging.getLogger("multimodal_api")
_access = logging.getLogger("multimodal_api.access")


class JsonFormatter(logging.Formatter):
    """One JSON object a record; what stands in ``extra={"told": {…}}`` becomes members of it."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        told |= getattr(record, "told", {})
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def formatter_of(form: LogFormat) -> logging.Formatter:
    """What writes the lines of that form; the few that are left where it is "off" are for people."""
    return JsonFormatter() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s")


def configure(form: LogFormat) -> None:
    """Sends the service's log to standard error in that form; one that is configured already stays as it is."""
    if _log.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter_of(form))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False
    if form == "off":
        _access.disabled = True


def log_request(scope: Scope, status: int, trace: Trace) -> None:
    """One line for a request: never its title, and never its photo, unless the trace was told them."""
    if not _access.isEnabledFor(logging.INFO):
        return
    ms = round(trace.seconds() * 1000, 2)
    told = {
        "request_id": trace.request_id,
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "ms": ms,
        "stages": {name: round(value, 2) for name, value in trace.stages.items()},
        **({} if trace.code is None else {"code": trace.code}),
        **trace.notes,
    }
    line = f"{scope['method']} {scope['path']} {status} {ms} ms"
    _access.info(line.replace("\n", " "), extra={"told": told})
