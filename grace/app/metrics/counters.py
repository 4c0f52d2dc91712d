"""What this process counts while it answers: requests, their duration, and what was refused."""

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from grace.kit.errors import Problem

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, that nobody asks for
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Counters:
    """One application's counters. Labels take few values: templates of routes, known methods, the problems' types."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "grace_http_requests",
            "Requests answered, by the door's path, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "grace_http_request_seconds",
            "How long requests took.",
            ("route", "method"),
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._refusals = Counter(
            "grace_refusals",
            "Requests refused with a problem document, by the problem's type.",
            ("type",),
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """A request was answered; `route` is None where no door is."""
        known, path = method if method in METHODS else "other", route or "none"
        self._requests.labels(path, known, str(status)).inc()
        self._seconds.labels(path, known).observe(seconds)

    def refusal(self, problem: Problem) -> None:
        """A request was refused."""
        self._refusals.labels(problem.type).inc()
