"""What is read off a runtime when somebody looks, not kept up by its requests (OB-3)."""

from collections.abc import Mapping

from eventstore import Clock, Store
from runtime.ingress import Edge
from runtime.lifecycle.controller import Controller
from runtime.telemetry import Metrics, RequestMetrics
from runtime.timescape import RouteTable


class Gauges:
    """Keeps them.

    Args:
        metrics: where to.
        measured: knows what is on its way to the log.
    """

    def __init__(self, metrics: Metrics, measured: RequestMetrics) -> None:
        self._measured = measured
        self._active = metrics.gauge(
            "http.server.active_requests", about="Requests that have come and are not answered."
        )
        self._position = metrics.gauge(
            "timescape_log_position", about="Position of the last commit in the log."
        )
        self._queue = metrics.gauge(
            "timescape_log_queue_commits", about="Commits handed to the log, not yet in it."
        )
        self._versions = metrics.gauge("timescape_versions", about="Versions, by status.")
        self._abandoned = metrics.counter(
            "timescape_abandoned_tasks_total", about="Pieces of code that were given up."
        )
        self._restarts = metrics.counter(
            "timescape_module_restarts_total",
            about="Times that a module took calls again, by why it had not.",
        )

    def look(self, edge: Edge, controller: Controller, store: Store, clock: Clock) -> None:
        """Bring them up to date; reads the end of the log.

        Raises:
            EventStoreError: the log cannot be read.
        """
        self._active.set(edge.running)
        self._queue.set(self._measured.committing)
        total = controller.surroundings.abandoned.total
        self._abandoned.add(total - self._abandoned.read())
        for status, number in _by_status(edge.board.table, clock()).items():
            self._versions.set(number, status=status)
        self._position.set(store.end())

    def look_at_modules(self, restarts: Mapping[tuple[str, str], int]) -> None:
        """Bring up to date how often modules were started again."""
        for (module, reason), total in restarts.items():
            before = self._restarts.read(module=module, reason=reason)
            self._restarts.add(max(total - before, 0), module=module, reason=reason)


def _by_status(table: RouteTable, now_us: int) -> dict[str, int]:
    found = {"active": 0, "deprecated": 0, "deactivated": 0, "sunset": 0}
    for routes in table:
        for version in routes.versions:
            of = routes.retirement(version)
            ended = of.sunset_us is not None and of.sunset_us <= now_us
            status = (
                "deactivated" if of.deactivated
                else "sunset" if ended
                else "active" if of.deprecated_us is None
                else "deprecated"
            )  # fmt: skip
            found[status] += 1
    return found
