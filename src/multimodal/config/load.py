"""Reads a YAML configuration, fills in environment variables and says where a mistake stands."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from multimodal.config.models import RunConfig, SourceConfig
from multimodal.config.patterns import matching
from multimodal.errors import ConfigError, nearest

ModelT = TypeVar("ModelT", bound=BaseModel)

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_TEST = ("test", "t10k")
"""What test splits are called; t10k are the test photos of MNIST and its kin."""
_OTHER_SPLITS = ("train", "training", "val", "valid", "validation", "dev")


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Reads and validates a run's configuration.

    Args:
        path: a YAML file. Relative paths in it start from the working directory; ``${NAME}`` and
            ``${NAME:-default}`` come from the environment.
        overrides: ``key.path=value`` items that replace single values, the value in YAML.

    Raises:
        ConfigError: with the file and the path of the key in front.
    """
    file = Path(path)
    raw = read_yaml(file)
    for item in overrides:
        _override(raw, item)
    config = validate(RunConfig, _expand(raw, str(file)), str(file))
    _refuse_test_splits(config, str(file))
    return config


def read_yaml(file: Path) -> dict[str, Any]:
    """The keys of a YAML file.

    Raises:
        ConfigError: it is not there, not readable, or no mapping.
    """
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file; expected a YAML configuration, see configs/") from None
    except OSError as error:
        raise ConfigError(f"{file}: not readable ({error.strerror}); expected a YAML configuration") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not readable as YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}: got {type(raw).__name__}, expected a mapping of keys at the top")
    return raw


def validate(model: type[ModelT], raw: object, origin: str) -> ModelT:
    """Validates ``raw`` against a pydantic model; the error names origin, key path and nearest key."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        lines = []
        for item in error.errors():
            where = ".".join(str(p) for p in item["loc"])
            if item["type"] == "extra_forbidden":
                known = _known_keys(model, item["loc"][:-1])
                hint = nearest(str(item["loc"][-1]), known)
                lines.append(f"{origin}: {where}: unknown key.{hint} Known keys: {', '.join(known)}.")
            else:
                got = item.get("input")
                shown = f" (got {got!r:.80})" if not isinstance(got, dict) else ""
                lines.append(f"{origin}: {where or 'top'}: {item['msg']}{shown}")
        raise ConfigError("\n".join(lines)) from None


def _known_keys(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    current: type[BaseModel] = model
    for part in location:
        if not isinstance(part, str) or part not in current.model_fields:
            continue
        found = _model_in(current.model_fields[part].annotation)
        if found is None:
            return []
        current = found
    return sorted(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None


def _expand(value: object, origin: str, where: str = "") -> object:
    if isinstance(value, dict):
        return {k: _expand(v, origin, f"{where}.{k}" if where else str(k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_expand(v, origin, f"{where}.{i}") for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        found = os.environ.get(match[1], match[2])
        if found is None:
            raise ConfigError(
                f"{origin}: {where}: the environment variable {match[1]} is not set; "
                f"set it, or write ${{{match[1]}:-default}}"
            )
        return found

    return _VARIABLE.sub(fill, value)


def _override(raw: dict[str, Any], item: str) -> None:
    key, sign, text = item.partition("=")
    if not sign or not key:
        raise ConfigError(f"--set {item!r}: expected key.path=value, for example image.epochs=3")
    *parents, last = key.split(".")
    target: Any = raw
    for part in parents:
        target = target[_place(target, part, item)] if isinstance(target, list) else target.setdefault(part, {})
        if not isinstance(target, dict | list):
            raise ConfigError(f"--set {item!r}: {part!r} holds a value, not keys")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {item!r}: {text!r} is not readable as YAML: {error}") from error
    target[_place(target, last, item) if isinstance(target, list) else last] = value


def _place(target: list[Any], part: str, item: str) -> int:
    """The place in a list that a part of a key names."""
    if not (part.isdecimal() and int(part) < len(target)):
        raise ConfigError(f"--set {item!r}: got {part!r}, expected a place in a list of {len(target)}, from 0")
    return int(part)


def _refuse_test_splits(config: RunConfig, origin: str) -> None:
    data = config.data
    for split, sources in (
        ("train", data.train), ("val", data.val), ("photos.train", data.photos.train), ("photos.val", data.photos.val),
    ):  # fmt: skip
        for i, source in enumerate(sources):
            refuse_test_source(source, f"{origin}: data.{split}.{i}.")


def refuse_test_source(source: SourceConfig, origin: str) -> None:
    """Test rows train and choose nothing.

    Args:
        origin: what messages begin with; the key follows.

    Raises:
        ConfigError: a file or folder named like a test split.
    """
    found = next(((key, path) for key, path in _paths(source) if _is_test(path)), None)
    if found is not None:
        raise ConfigError(
            f"{origin}{found[0]}: {found[1]} names a test split; test rows are for "
            "`multimodal evaluate` alone. Use train and validation files here; where these are no test rows, rename "
            f"{_named_test(found[1])}."
        )


def _paths(source: SourceConfig) -> list[tuple[str, str]]:
    """Keys and paths of a source and of its join, with the files there are that match a path as a pattern."""
    named = [("path", source.path), ("join.path", source.join.path if source.join else None)]
    return [
        (key, file)
        for key, path in named
        if path is not None
        for file in (path, *matching(path))
    ]


def _is_test(path: str) -> bool:
    """Whether the name says so, or the folder is a split's that the name does not contradict."""
    stem = Path(path).stem.lower()
    if _word(_TEST, stem):
        return True
    return Path(path).parent.name.lower() in _TEST and not _word(_OTHER_SPLITS, stem)


def _named_test(path: str) -> str:
    """What of a path is to be renamed where it means no test rows."""
    own = _word(_TEST, Path(path).stem.lower())
    return f"the file or folder {Path(path).name!r}" if own else f"its folder {Path(path).parent.name!r}"


def _word(words: Sequence[str], name: str) -> bool:
    return re.search(rf"(^|[^a-z])({'|'.join(words)})([^a-z]|$)", name) is not None
