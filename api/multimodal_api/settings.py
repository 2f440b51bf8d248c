"""The service's settings, from environment variables."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from multimodal.cores import usable_cores
from multimodal.errors import ConfigError, nearest
from multimodal.image.caps import DEFAULT_CAPS
from multimodal.types import RuntimeName
from multimodal_api.logs import LogFormat

_PREFIX = "MULTIMODAL_"


def _folders_named(value: str) -> str:
    if not all(_parts(value)):
        raise ValueError("expected a bundle's folder, or several separated by commas; one of them is empty")
    return value


def _none_is_none(value: object) -> object:
    return None if value == "none" else value


def _no_is_off(value: object) -> object:
    return "off" if value is False else value  # as YAML reads the word off


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(","))


class Settings(BaseModel):
    """Each field is read from ``MULTIMODAL_`` and its name in capitals.

    Attributes:
        bundle: folder of the bundle to serve, or several separated by commas.
        default_model: name of the model that answers where a request names none; None is the first bundle's.
        workers: processes that share the cores, as ``multimodal serve --workers`` started them.
        peers: folder in which those workers find each other, as ``multimodal serve --workers`` made it.
        load_first: whether connections wait until the bundles are loaded; else they are told that they are not yet.
            None is where there are several workers: who begins later must take nothing from the others.
        reload_seconds: how often to look whether a bundle has changed; 0 is never.
        shadow: folder of a bundle that answers beside the default one, to be compared and never sent.
        database: URL of the database that answers and feedback are kept in; None, or "none", keeps none.
        keep_photos: folder for the photos of kept answers; None keeps none.
        keep_days: after so many, answers without feedback are forgotten.
        threads: threads inside one classification; None is what ``at_once`` leaves of the worker's cores.
        runtime: what runs the photo graph, "onnxruntime" or "openvino".
        concurrency: classifications that run at once; more wait their turn. None is one for each of the worker's cores.
        queue: requests that may wait; more are refused with 503.
        quick_bytes: of a body without a photo up to which it is answered where it was read, in a millisecond or two,
            and not by a thread, which would take longer; or refused, where the service is far behind. 0 is never.
        deadline: seconds within which a question has its answer, or a 503.
        batch_deadline: the same for a whole batch.
        max_batch: products of one batch.
        max_batch_body: bytes of a batch's body.
        log: form of the log: "json", "text", or "off" for no line a request.
        log_inputs: whether the log tells titles, too; never on unless asked for.
        api_keys: who may ask: name=key or name=key@requests a minute, commas between; None is everybody.
        cors: origins whose pages may ask from a browser, commas between; None is none.
        max_body: bytes of a request's body; a photo of ``max_photo`` in base64 fits.
        max_photo: bytes of a photo file.
        max_field: bytes of one text field of a form.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bundle: Annotated[str, AfterValidator(_folders_named)] = "artifacts/fashion"
    default_model: str | None = None
    workers: Annotated[int, Field(ge=1)] = 1
    peers: str | None = None
    load_first: bool | None = None
    reload_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10.0
    shadow: str | None = None
    database: Annotated[str | None, BeforeValidator(_none_is_none)] = None
    keep_photos: str | None = None
    keep_days: Annotated[float, Field(gt=0, le=36_500)] = 90.0
    threads: Annotated[int, Field(ge=1)] | None = None
    runtime: RuntimeName = "onnxruntime"
    concurrency: Annotated[int, Field(ge=1)] | None = None
    queue: Annotated[int, Field(ge=0)] = 64
    quick_bytes: Annotated[int, Field(ge=0, le=4096)] = 512
    deadline: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10.0
    batch_deadline: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 120.0
    max_batch: Annotated[int, Field(ge=1)] = 256
    max_batch_body: Annotated[int, Field(ge=1)] = 100_000_000
    log: Annotated[LogFormat, BeforeValidator(_no_is_off)] = "json"
    log_inputs: bool = False
    api_keys: SecretStr | None = None
    cors: str | None = None
    max_body: Annotated[int, Field(ge=1)] = 15_000_000
    max_photo: Annotated[int, Field(ge=1)] = DEFAULT_CAPS.max_bytes
    max_field: Annotated[int, Field(ge=1)] = 1_000_000

    @property
    def graph_threads(self) -> int:
        """``threads``, or so many that the classifications of all workers together have one for each core."""
        return self.threads or max(1, self._cores // self.at_once)

    @property
    def at_once(self) -> int:
        """``concurrency``, or one classification for each core that is this worker's."""
        return self.concurrency or self._cores

    @property
    def waits(self) -> bool:
        """``load_first``, or whether there are several workers."""
        return self.workers > 1 if self.load_first is None else self.load_first

    @property
    def _cores(self) -> int:
        return max(1, usable_cores() // self.workers)

    @property
    def bundles(self) -> tuple[str, ...]:
        """The folders of ``bundle``, at least one."""
        return _parts(self.bundle)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Reads the variables that are set and not empty; below them the YAML file of ``MULTIMODAL_SETTINGS``.

        Secrets stand in the environment alone: a file that tells of API keys is refused.

        Raises:
            ConfigError: naming the variable, what it held and what was expected.
        """
        source = os.environ if environment is None else environment
        names = {field: _PREFIX + field.upper() for field in cls.model_fields}
        file = source.get(f"{_PREFIX}SETTINGS")
        told = _from_file(Path(file), cls.model_fields) if file else {}
        told |= {f: source[n] for f, n in names.items() if source.get(n)}
        try:
            return cls.model_validate(told)
        except ValidationError as error:
            lines = (f"{names[str(e['loc'][0])]}={e['input']!r}: {e['msg']}" for e in error.errors())
            raise ConfigError("; ".join(lines) + ". Set it to a fitting value or unset it.") from None

    def shown(self) -> dict[str, object]:
        """What is set otherwise than by default, secrets and passwords masked."""
        told = self.model_dump(mode="json", exclude_defaults=True)
        if self.database is not None and not self.database.startswith("sqlite:"):
            told["database"] = f"{self.database.partition(':')[0]}:***"
        return told


def _from_file(file: Path, known: Iterable[str]) -> dict[str, object]:
    from multimodal.config.load import read_yaml

    told = read_yaml(file)
    if "api_keys" in told:
        raise ConfigError(f"{file}: api_keys: secrets come from the environment alone; set MULTIMODAL_API_KEYS instead")
    unknown = [name for name in told if name not in known]
    if unknown:
        raise ConfigError(f"{file}: {unknown[0]}: no such setting.{nearest(unknown[0], known)}")
    return told
