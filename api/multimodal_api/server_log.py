"""The server's own log in the form of the service's, so that whoever collects lines finds one kind alone."""

from __future__ import annotations

import logging

from multimodal.errors import MultimodalError
from multimodal_api.logs import formatter_of
from multimodal_api.settings import Settings


def formatter() -> logging.Formatter:
    """For a configuration of logging to name: each process makes it as it starts, before there is a service.

    Python's warnings go to the log from then on; they would stand between its lines as plain text.
    """
    logging.captureWarnings(True)
    try:
        return formatter_of(Settings.from_environment().log)
    except MultimodalError:  # which ends the start in a moment, and is told then
        return formatter_of("json")
