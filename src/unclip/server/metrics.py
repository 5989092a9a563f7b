"""What Prometheus reads at /metrics: the requests that this process answered, and the store's view
of the queue and the workers."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from unclip.store import State, Store

FINISH = "finish"
"""The stage in which a picture is cut out and scored; it has one step for each."""

_SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600)


class Metrics:
    """Counters of this process, and a registry of its own for them."""

    def __init__(self, store: Store) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "unclip_requests",
            "Requests answered, by route, method and status.",
            ["route", "method", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "unclip_request_seconds",
            "From a request's first line to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._refusals = Counter(
            "unclip_refusals", "Requests refused, by reason.", ["reason"], registry=self._registry
        )
        self._registry.register(_StoreCollector(store))

    def answered(
        self, route: str, method: str, status: int, seconds: float, refusal: str | None
    ) -> None:
        """Count a request. A status of 0 is a client that left."""
        known = method if method in ("GET", "HEAD", "POST", "OPTIONS") else "other"
        self._requests.labels(route, known, str(status or "gone")).inc()
        self._seconds.labels(route).observe(seconds)
        if refusal is not None:
            self._refusals.labels(refusal).inc()

    def text(self) -> bytes:
        """Everything, in Prometheus' format."""
        return generate_latest(self._registry)


class _StoreCollector(Collector):
    """What the store knows at the moment that it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        counts = self._store.jobs.counts()
        jobs = GaugeMetricFamily("unclip_jobs", "Jobs in each state.", labels=["state"])
        for state in State:
            jobs.add_metric([state.value], counts.get(state, 0))
        yield jobs
        yield GaugeMetricFamily(
            "unclip_oldest_queued_seconds",
            "How long the job at the head of the queue has waited.",
            value=self._store.jobs.oldest_queued_seconds() or 0.0,
        )
        yield from self._workers()

    def _workers(self) -> Iterator[Metric]:
        stats = self._store.worker_stats()
        yield GaugeMetricFamily("unclip_workers", "Workers that live.", value=len(stats))
        memory = GaugeMetricFamily(
            "unclip_worker_memory_bytes", "Held by each worker.", labels=["worker"]
        )
        pictures = CounterMetricFamily("unclip_pictures", "Finished.", labels=["worker"])
        batches = CounterMetricFamily(
            "unclip_batches",
            "Steps computed with so many rows at once.",
            labels=["worker", "rows"],
        )
        seconds = CounterMetricFamily(
            "unclip_stage_seconds", "Spent in each stage.", labels=["worker", "stage"]
        )
        steps = CounterMetricFamily(
            "unclip_stage_steps", "Done in each stage.", labels=["worker", "stage"]
        )
        for stat in stats:
            memory.add_metric([stat.worker], stat.memory_bytes)
            pictures.add_metric([stat.worker], stat.stage_steps.get(FINISH, 0))
            for rows, count in stat.batch_sizes.items():
                batches.add_metric([stat.worker, str(rows)], count)
            for stage, spent in stat.stage_seconds.items():
                seconds.add_metric([stat.worker, stage], spent)
            for stage, count in stat.stage_steps.items():
                steps.add_metric([stat.worker, stage], count)
        yield from (memory, pictures, batches, seconds, steps)
