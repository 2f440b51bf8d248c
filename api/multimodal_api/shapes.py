"""What a JSON schema of an OpenAPI document says: the type in words, the fields, an example."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
_REFERENCE = "#/components/schemas/"
_PLAIN = {"binary": "file"}
"""Words for formats that say more than the type."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object, or a parameter.

    Attributes:
        kind: its type and limits, in words.
        fields: those of the objects that it holds.
    """

    name: str
    kind: str
    about: str
    required: bool
    fields: tuple[Field, ...] = ()


class Shapes:
    """Reads the schemas of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas: Mapping[str, Schema] = document.get("components", {}).get("schemas", {})

    def field(
        self, name: str, schema: Schema, *, required: bool, about: str = "", above: tuple[str, ...] = ()
    ) -> Field:
        """A field by its schema; ``above`` are the schemas that it stands in, which are not gone into again."""
        return Field(name, self.words(schema), about or self.about(schema), required, self.fields(schema, above))

    def fields(self, schema: Schema, above: tuple[str, ...] = ()) -> tuple[Field, ...]:
        """The fields of an object, or of the objects in a list or among alternatives."""
        reference = str(schema.get("$ref", ""))
        if reference in above:
            return ()
        above = (*above, reference) if reference else above
        schema = self._whole(schema)
        required = schema.get("required", ())
        found = [
            self.field(name, part, required=name in required, above=above)
            for name, part in schema.get("properties", {}).items()
        ]
        for part in (*_alternatives(schema), schema.get("items")):
            if isinstance(part, Mapping):
                found += self.fields(part, above)
        return tuple(found)

    def words(self, schema: Schema, *, many: bool = False) -> str:
        """The type with its limits: ``integer, 1 to 10, or null``."""
        schema = self._whole(schema)
        if alternatives := _alternatives(schema):
            told = list(dict.fromkeys(self.words(part, many=many) for part in alternatives))
            comma = "," if any("," in part for part in told) else ""
            return f"{comma} or ".join(told) + _default(schema)
        if "const" in schema:
            return _json(schema["const"])
        if "enum" in schema:
            return " or ".join(_json(value) for value in schema["enum"])
        if "prefixItems" in schema:
            return f"[{', '.join(self.words(part) for part in schema['prefixItems'])}]"
        return ", ".join([self._kind(schema, many), *_limits(schema)]) + _default(schema)

    def example(self, media: Mapping[str, Any]) -> Any:
        """The first example of a body or of its schema; None where there is none."""
        if "example" in media:
            return media["example"]
        for told in media.get("examples", {}).values():
            return told.get("value")
        return next(iter(self._whole(media.get("schema", {})).get("examples", ())), None)

    def files(self, schema: Schema) -> list[str]:
        """Names of the fields that are files."""
        parts = self._whole(schema).get("properties", {})
        return [name for name, part in parts.items() if part.get("format") == "binary"]

    def about(self, schema: Schema) -> str:
        """What a schema says of itself, or else of what it holds."""
        whole = self._whole(schema)
        inner = (part for part in (*_alternatives(whole), whole.get("items")) if isinstance(part, Mapping))
        told = schema.get("description") or whole.get("description")
        return str(told) if told else next(filter(None, map(self.about, inner)), "")

    def _kind(self, schema: Schema, many: bool) -> str:
        kinds = schema.get("type", "anything")
        if isinstance(kinds, list):
            return " or ".join(kinds)
        if kinds == "array":
            return f"{'lists' if many else 'list'} of {self.words(schema.get('items', {}), many=True)}"
        kind = _PLAIN.get(schema.get("format", ""), str(kinds))
        by_name = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
        told = f"{kind}s" if many and kind != "anything" else kind
        held = [self.words(part, many=True) for part in by_name if isinstance(part, Mapping)]
        return f"{told} of {' or '.join(held)}" if held else told

    def _whole(self, schema: Schema) -> Schema:
        name = str(schema.get("$ref", "")).removeprefix(_REFERENCE)
        return self._schemas.get(name, {}) if name else schema


def _alternatives(schema: Schema) -> list[Schema]:
    return [*schema.get("anyOf", ()), *schema.get("oneOf", ())]


def _limits(schema: Schema) -> list[str]:
    found = [
        _range(schema.get("minimum"), schema.get("maximum"), ""),
        _range(schema.get("minLength"), schema.get("maxLength"), " character"),
        _range(schema.get("minItems"), schema.get("maxItems"), " item"),
        _range(schema.get("minProperties"), schema.get("maxProperties"), " name"),
    ]
    if names := schema.get("propertyNames"):
        found.append(" ".join(["names of", *_limits(names)]))
    if "pattern" in schema:
        found.append(f"matching {schema['pattern']}")
    return [told for told in found if told]


def _range(low: float | None, high: float | None, unit: str) -> str:
    """``unit`` is a noun in the singular."""
    if unit and (low if high is None else high) != 1:
        unit += "s"
    if low is not None and high is not None:
        return f"{low:g} to {high:g}{unit}"
    if low is not None:
        return f"at least {low:g}{unit}"
    return "" if high is None else f"at most {high:g}{unit}"


def _default(schema: Schema) -> str:
    return f"; {_json(schema['default'])} unless given" if schema.get("default") is not None else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
