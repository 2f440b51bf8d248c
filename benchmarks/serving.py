"""The service under load, beside a plain FastAPI service of the same model on eager torch, in one run.

    python benchmarks/serving.py --json benchmarks/results/serving.json
    python benchmarks/serving.py --rounds 1 --seconds 3 --lasting 2000      # quick

Both have two processes, each with one classification at a time and one thread in it; ours also keeps its answers in
SQLite, as ``multimodal serve`` does. Who asks runs on the same machine and takes its share of it. Measured are, for a
photo with a title and for a title alone: milliseconds one by one; the most answers a second, the two services in turn,
round by round; the wait when requests come by chance at 60 % of that, from when each was due; and of ours alone, what
becomes of twice as many requests as it can answer, and the memory of one process over many.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from command import show
from multimodal.artifact import open_bundle
from multimodal.bench.asks import Ask, asks_of
from multimodal.bench.load import NO_ANSWER, as_they_come, back_to_back, one_by_one, percentile
from multimodal.bench.local import LocalService, local_service
from multimodal.bench.measure import SHARE, failed, latency, machine, waiting
from multimodal.bench.processes import resident_mb
from tables import table

OURS, PLAIN = "multimodal", "FastAPI + torch eager"
_WORKERS = 2
_DEADLINE = 2.0
_CROWD = 256
_SETTLED = 0.1
"""Share of the lasting load after which memory should grow no more."""


def main() -> int:
    """Measures and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="artifacts/fashion")
    parser.add_argument("--requests", type=int, default=300, help="of each kind, one by one")
    parser.add_argument("--rounds", type=int, default=5, help="in which both services are measured in turn")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each load")
    parser.add_argument("--lasting", type=int, default=50_000, help="requests while memory is watched; 0 leaves it out")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    figures = measure(options)
    show(figures, markdown(figures), options.json)
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    asks = asks_of(open_bundle(options.bundle).manifest.inputs, forms=True)
    if len(asks) < 3:
        raise SystemExit(f"--bundle {options.bundle}: expected one that takes titles and photos")
    both, title, _ = asks
    with ours(options.bundle) as service, plain(options.bundle) as peer:
        by_name = {OURS: service, PLAIN: peer}
        kinds = [beside(by_name, ask, options) for ask in (both, title)]
        over = [overload(service, k, found, options.seconds) for k, found in zip((both, title), kinds, strict=True)]
        told = {"kinds": kinds, "overload": over}
    with ours(options.bundle, workers=1) as service:  # anew: memory from the start
        mixed = Ask("photos with titles, and titles", (*both.requests, *title.requests))
        lasting = memory(service, mixed, options.lasting) if options.lasting else None
    asked = {"requests": options.requests, "rounds": options.rounds, "seconds": options.seconds}
    return {"machine": machine(), "bundle": options.bundle, "asked": asked, **told, "memory": lasting}


@contextmanager
def ours(bundle: str, workers: int = _WORKERS) -> Iterator[LocalService]:
    """The service as ``multimodal serve`` starts it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "MULTIMODAL_THREADS": "1",
            "MULTIMODAL_CONCURRENCY": "1",
            "MULTIMODAL_DEADLINE": str(_DEADLINE),
            "MULTIMODAL_DATABASE": f"sqlite:///{folder}/answers.db",
        }
        with local_service(bundle, environment=settings, workers=workers) as service:
            yield service


@contextmanager
def plain(bundle: str) -> Iterator[LocalService]:
    """The peer; see ``plain_service``."""
    settings = {
        "PLAIN_BUNDLE": bundle,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parent),
    }
    command = [sys.executable, str(Path(__file__).with_name("plain_service.py"))]
    with local_service(bundle, environment=settings, command=command, workers=_WORKERS, ready_within=180) as service:
        yield service


def beside(services: Mapping[str, LocalService], ask: Ask, options: argparse.Namespace) -> dict[str, Any]:
    """One kind of request to each service: one by one, at most, and by chance."""
    found: dict[str, dict[str, Any]] = {name: {"rates": []} for name in services}
    for name, service in services.items():
        _tell(f"{ask.sent}: {name}: one by one")
        alone, _ = one_by_one(service.client, ask, options.requests)
        found[name] |= {**latency(alone), "failed": failed(alone)}
    for number in range(options.rounds):
        for name, service in services.items():
            _tell(f"{ask.sent}: {name}: as many as it takes, {number + 1} of {options.rounds}")
            most = back_to_back(service.client, ask, connections=2 * _WORKERS, seconds=options.seconds)
            found[name]["rates"].append(most.rate)
            found[name]["failed"] += failed(most)
    for name, service in services.items():
        rate = SHARE * statistics.median(found[name]["rates"])
        runs = []
        for number in range(options.rounds):
            _tell(f"{ask.sent}: {name}: {rate:.0f} a second by chance, {number + 1} of {options.rounds}")
            come = as_they_come(service.client, ask, rate=rate, seconds=options.seconds, seed=number)
            runs.append(waiting(come))
            found[name]["failed"] += failed(come)
        medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        found[name]["coming"] = {"per_second": rate, **medians, "p99s_ms": [run["p99_ms"] for run in runs]}
    ratios = [a / b for a, b in zip(found[OURS]["rates"], found[PLAIN]["rates"], strict=True)]
    return {"sent": ask.sent, "services": found, "throughput_ratio": statistics.median(ratios), "ratios": ratios}


def overload(service: LocalService, ask: Ask, usual: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Twice as many requests as the service can answer."""
    rate = 2 * statistics.median(usual["services"][OURS]["rates"])
    _tell(f"{ask.sent}: {rate:.0f} a second, twice what it can answer")
    come = as_they_come(service.client, ask, rate=rate, seconds=seconds, connections=_CROWD)
    after, _ = one_by_one(service.client, ask, 50)
    return {
        "sent": ask.sent,
        "per_second": rate,
        "requests": come.requests,
        "answered": come.statuses[200],
        "refused": come.statuses[503],
        "without_answer": come.statuses[NO_ANSWER],
        "other": come.requests - come.statuses[200] - come.statuses[503] - come.statuses[NO_ANSWER],
        "refusals_without_retry_after": come.bare_refusals,
        "deadline_ms": 1000 * _DEADLINE,
        "inside_p50_ms": percentile(come.inside, 50),
        "inside_worst_ms": max(come.inside, default=0.0),
        "afterwards_failed": failed(after),
    }


def memory(service: LocalService, ask: Ask, requests: int) -> dict[str, Any]:
    """Resident memory while many requests are answered."""
    marks: dict[int, float] = {}
    step = max(1, requests // 20)

    def mark(sent: int) -> None:
        if sent % step == 0:
            marks[sent] = resident_mb(service.pid) or 0.0
            _tell(f"{ask.sent}: {sent:,} of {requests:,}, {marks[sent]:.0f} MB")

    outcome = back_to_back(service.client, ask, connections=2 * _WORKERS, requests=requests, each=mark)
    settled = next(value for sent, value in marks.items() if sent >= _SETTLED * requests)
    return {
        "requests": requests,
        "failed": failed(outcome),
        "resident_mb": list(marks.items()),
        "settled_mb": settled,
        "end_mb": marks[max(marks)],
        "growth": marks[max(marks)] / settled - 1,
    }


def markdown(figures: Mapping[str, Any]) -> str:
    """The tables a person reads."""
    head = ["sent", "service", "inside p50, ms", "inside p99, ms", "answers/s", "at 60 %: p50, ms", "p99, ms"]
    rows = []
    for kind in figures["kinds"]:
        for name, found in kind["services"].items():
            alone = [f"{found[key]:.2f}" for key in ("server_p50_ms", "server_p99_ms")]
            come = [f"{found['coming'][key]:.1f}" for key in ("p50_ms", "p99_ms")]
            rows.append([kind["sent"], name, *alone, f"{statistics.median(found['rates']):.0f}", *come])
    lines = [*table(head, rows, left=2), ""]
    for kind in figures["kinds"]:
        rounds = ", ".join(f"{ratio:.2f}" for ratio in kind["ratios"])
        lines.append(f"- {kind['sent']}: {kind['throughput_ratio']:.2f} times the answers of the plain service "
                     f"(rounds: {rounds}).")  # fmt: skip
    lines += [f"- {overload_line(found)}" for found in figures["overload"]]
    if figures["memory"] is not None:
        lines.append(f"- {memory_line(figures['memory'])}")
    told = figures["machine"]
    asked = figures["asked"]
    note = f"Two processes each, one thread in each; medians of {asked['rounds']} rounds of {asked['seconds']:.0f} s"
    return "\n".join([*lines, "", f"{note}; {told['processor']}, {told['cores']} cores, who asks among them."])


def overload_line(found: Mapping[str, Any]) -> str:
    """What became of too many requests, in a sentence."""
    rate, bare = found["per_second"], found["refusals_without_retry_after"]
    return (
        f"{found['sent']}, twice what it can answer ({rate:.0f} a second): of {found['requests']:,} requests "
        f"{found['answered']:,} answered, {found['refused']:,} refused with 503 ({bare} "
        f"without saying when to ask again), {found['without_answer']} without an answer, {found['other']} with any "
        f"other; those answered spent at most {found['inside_worst_ms']:.0f} ms inside (deadline "
        f"{found['deadline_ms']:.0f})."
    )


def memory_line(found: Mapping[str, Any]) -> str:
    """How memory went, in a sentence."""
    return (
        f"Memory of one process over {found['requests']:,} requests: {found['settled_mb']:.0f} MB after the first "
        f"tenth, {found['end_mb']:.0f} MB at the end ({100 * found['growth']:+.1f} %); {found['failed']} failed."
    )


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
