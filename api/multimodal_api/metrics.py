"""What Prometheus is told: requests, stages, answers, the queue, and how far they have drifted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from threading import Lock

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import Response

from multimodal.evaluation.drift import Tally, drift
from multimodal.types import Prediction
from multimodal_api.admission import Admission
from multimodal_api.examples import METRICS
from multimodal_api.ports import Predictor
from multimodal_api.trace import Trace

PATH = "/metrics"
router = APIRouter()

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SHARES = tuple(i / 10 for i in range(1, 11))
_HALF_LIFE = 1000.0
"""Answers after which one counts half in the drift."""
_ENOUGH = 200
"""Answers before drift is told of: fewer say little."""


class Metrics:
    """The counters of one app. Several workers of one service share theirs through ``PROMETHEUS_MULTIPROC_DIR``."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        name = "multimodal_"
        self._requests = Counter(f"{name}requests", "Requests answered", ["path", "status"], registry=own)
        self._seconds = Histogram(
            f"{name}request_seconds", "From the first byte read to the answer", ["path"], buckets=_SECONDS, registry=own
        )
        self._stages = Histogram(
            f"{name}stage_seconds", "The same by stage", ["path", "stage"], buckets=_SECONDS, registry=own
        )
        self._problems = Counter(f"{name}problems", "Errors by their code", ["path", "code"], registry=own)
        self._answers = Counter(
            f"{name}answers", "Products answered, by what answered and how", ["model", "used", "decision"], registry=own
        )
        self._inputs = Counter(f"{name}inputs", "Inputs that products came with", ["model", "input"], registry=own)
        self._review = Counter(f"{name}needs_review", "Answers that a person should see", ["model"], registry=own)
        self._conflicts = Counter(f"{name}conflicts", "Text and photo contradict each other", ["model"], registry=own)
        self._confidence = Histogram(
            f"{name}confidence", "Probability of the likeliest category", ["model"], buckets=_SHARES, registry=own
        )
        self._queue = Gauge(
            f"{name}queue", "Requests waiting and running", ["state"], registry=own, multiprocess_mode="livesum"
        )
        self._drift = Gauge(
            f"{name}drift",
            "Population stability index of the last answers against the bundle's profile; 0.25 is much",
            ["model", "of"],
            registry=own,
            multiprocess_mode="livemax",
        )
        self._feedback = Counter(
            f"{name}feedback", "What people said of answers", ["model", "branch", "verdict"], registry=own
        )
        self._reloads = Counter(f"{name}reloads", "Bundles read again", ["model", "result"], registry=own)
        self._shadow = Counter(
            f"{name}shadow", "What the shadow bundle did, by the live answer's branch", ["model", "branch", "result"],
            registry=own,
        )  # fmt: skip
        self._lock = Lock()
        self._tallies: dict[str, Tally] = {}

    def requested(self, path: str, status: int, trace: Trace, queue: Admission) -> None:
        """Counts a request that was answered.

        Args:
            path: one that the app serves, or "other".
        """
        self._requests.labels(path, str(status)).inc()
        if trace.code:
            self.failed(path, trace.code)
        for stage, ms in trace.stages.items():
            self._stages.labels(path, stage).observe(ms / 1000)
        self._seconds.labels(path).observe(trace.seconds())
        self._queue.labels("waiting").set(queue.waiting)
        self._queue.labels("running").set(queue.running)

    def failed(self, path: str, code: str) -> None:
        """Counts an error of a request, or of one product of many."""
        self._problems.labels(path, code).inc()

    def answered(self, predictor: Predictor, answer: Prediction, *, draft: bool = False) -> None:
        """Counts an answer; thread-safe.

        Args:
            draft: asked while somebody was still typing: half a title says nothing of drift.
        """
        from multimodal.serving.usual import count  # onnxruntime comes with the first bundle, not with the API

        model = predictor.name
        self._answers.labels(model, answer.used, answer.decision).inc()
        for name in predictor.inputs:
            if name not in answer.missing:
                self._inputs.labels(model, name).inc()
        self._confidence.labels(model).observe(answer.suggestions[0].probability)
        if answer.needs_review:
            self._review.labels(model).inc()
        if answer.conflict is not None:
            self._conflicts.labels(model).inc()
        if draft:
            return
        with self._lock:
            tally = self._tallies.setdefault(model, Tally(_HALF_LIFE))
            count(tally, answer, predictor.inputs)

    def said(self, model: str, branch: str, verdict: str) -> None:
        """Counts feedback."""
        self._feedback.labels(model, branch, verdict).inc()

    def compared(self, model: str, branch: str, result: str) -> None:
        """Counts what the shadow answered."""
        self._shadow.labels(model, branch, result).inc()

    def reloaded(self, model: str, *, ok: bool) -> None:
        """Counts a bundle that was read again, and begins its drift anew where that went well."""
        self._reloads.labels(model, "ok" if ok else "failed").inc()
        if ok:
            with self._lock:
                self._tallies.pop(model, None)

    def drifts(self, predictors: Mapping[str, Predictor]) -> dict[str, dict[str, float]]:
        """By model, how far its last answers are from its bundle's profile; those that tell nothing are left out."""
        from multimodal.serving.usual import shares_of

        found = {}
        for model, predictor in predictors.items():
            profile = predictor.profile
            with self._lock:
                tally = self._tallies.get(model)
                seen = None if tally is None or tally.rows < _ENOUGH else tally.shares()
            if profile is not None and seen is not None:
                found[model] = drift(shares_of(profile), seen)
        return found

    def text(self, predictors: Mapping[str, Predictor]) -> bytes:
        """Everything, in the text format of Prometheus."""
        for model, indices in self.drifts(predictors).items():
            for of, value in indices.items():
                self._drift.labels(model, of).set(value)
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


@router.get(
    PATH,
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": METRICS}}}},
)
def metrics(request: Request) -> Response:
    """The text format of Prometheus."""
    service = request.app.state.service
    return Response(service.metrics.text(service.served), media_type=CONTENT_TYPE_LATEST)
