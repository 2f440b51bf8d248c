"""The base of every section of a configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Base: frozen, and no key that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
