"""What the service counts of itself, as Prometheus reads it: requests, how long they took, answers from memory, the revision."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# Seconds: a remembered answer takes microseconds, a page milliseconds, an export as long as its reader.
BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one process."""

    media_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "chancery_requests", "Requests answered by the application.", ("method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "chancery_request_seconds", "How long the application took.", buckets=BUCKETS, registry=self.registry
        )
        self.remembered = Counter(
            "chancery_remembered_answers", "Requests answered from memory, beside those above.", registry=self.registry
        )
        self.revision = Gauge("chancery_revision", "The newest published revision.", registry=self.registry)

    def answered(self, method: str, status: int, seconds: float) -> None:
        """Count a request that the application answered."""
        known = method if method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE") else "other"
        self.requests.labels(known, str(status)).inc()
        self.seconds.observe(seconds)

    def text(self) -> bytes:
        """Everything, in Prometheus's own format."""
        return generate_latest(self.registry)
