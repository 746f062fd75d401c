"""The admin listener: is it alive, is it ready, how does it do (SD-2, SD-3).

`/healthz` says that the event loop turns and asks nobody. `/readyz` says whether requests may
be sent here. `/metrics` are figures for Prometheus. The app's own listener serves none of them.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from functools import partial
from urllib.parse import urlsplit

from eventstore import Clock, EventStoreError, Store
from runtime.app import gating
from runtime.app.admin_modules import is_reload, reload
from runtime.app.admin_tokens import TOKEN_SETTING, AdminTokens
from runtime.app.application import App
from runtime.app.gauges import Gauges
from runtime.app.life import ControlLog
from runtime.app.log_probe import LOOK_S, LogProbe
from runtime.app.queue_gauges import QueueGauges
from runtime.app.readiness import CLOCK, explained, is_clock_off
from runtime.control import control_stream
from runtime.control.usage import subscribers
from runtime.errors import NotStartedError, ServeError
from runtime.ingress.plain_http import plain
from runtime.messages import Answer
from runtime.telemetry import CONTENT_TYPE, RequestMetrics, exposition
from runtime.timescape import RouteTable
from runtime.timescape.stranded import unserved


class Admin:
    """Answers what the admin listener is asked; from now on the app's requests are measured.

    Args:
        app: has been started.
        store: its log.
        clock: gives the time.
        tokens: what callers have to show, `Authorization: Bearer …`; none: nothing.
    """

    def __init__(
        self, app: App, store: Store, clock: Clock, tokens: AdminTokens | None = None
    ) -> None:
        self._app = app
        self._store = store
        self._clock = clock
        self._tokens = tokens or AdminTokens()
        self.gating: gating.Gating | None = None
        """Keeps gates; None: there are none to be had."""
        self.stopping = False
        """Whether no more requests shall come here."""
        self._control = ControlLog(store, control_stream(app.name), clock)
        self._metrics = app.controller.surroundings.gctx.metrics
        measured = app.controller.finishing.measured = RequestMetrics(self._metrics)
        self._gauges = Gauges(self._metrics, measured)
        self._queues = QueueGauges(self._metrics)

    async def __call__(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Answer a request."""
        pages = {
            "/healthz": self._alive, "/readyz": self._ready, "/metrics": self._figures,
            "/serving": self._serving,
        }  # fmt: skip
        shown = headers.get("authorization", "")
        refused = self._refused(shown, headers.get("host", ""))
        if refused is not None:
            return refused
        if path == gating.PATH and method == "POST":
            by = partial(self._tokens.by, shown)
            asked = self.gating
            return await asked.answer(headers, body, by) if asked is not None else gating.off()
        if is_reload(path):
            return await reload(self._app, method, path, headers)
        if path not in pages:
            return plain(404, {"problem": f"There are {', '.join(pages)}."})
        if method not in {"GET", "HEAD"}:
            return plain(405, {"problem": "Use GET."}, ("allow", "GET, HEAD"))
        return await pages[path]()

    def _refused(self, shown: str, host: str) -> Answer | None:
        """Turn away who shows no token; where there is none, who may be a page in a browser."""
        if not self._tokens.take(shown):
            return plain(401, {"problem": "A token is needed."}, ("www-authenticate", "Bearer"))
        if not self._tokens and _is_foreign(host):
            return plain(421, {"problem": "Ask this machine by its address, or as localhost."})
        return None

    async def _alive(self) -> Answer:
        return plain(200, {"status": "pass"})

    async def _ready(self) -> Answer:
        failing = await self.failing()
        if failing:
            why = explained(failing, self._store.nodes)
            said = {"status": "fail", "failing": failing, "why": why}
            return plain(503, said, ("retry-after", "1"))
        return plain(200, {"status": "pass"})

    async def _serving(self) -> Answer:
        """Name the versions whose requests run here: the log may know nothing of those yet."""
        try:
            return plain(200, {"serving": sorted(self._app.controller.serving)})
        except NotStartedError:
            return plain(200, {"serving": []})

    async def failing(self) -> list[str]:
        """Name the checks that fail: stopping, startup, node, clock, log, table, versions."""
        if self.stopping:
            return ["stopping"]
        try:
            edge, controller = self._app.edge, self._app.controller
        except NotStartedError:
            return ["startup"]
        failing = []
        company = self._app.company
        if company is not None and company.is_cut_off:
            failing.append("node")
        if is_clock_off(self._store.nodes):
            failing.append(CLOCK)
        if not await LogProbe(controller.finishing, self._control, self._app.name)():
            failing.append("log")
        try:
            async with asyncio.timeout(LOOK_S):
                await asyncio.to_thread(edge.board.refresh)
        except (EventStoreError, TimeoutError):
            failing.append("table")
        if self._lacks_code(edge.board.table):
            failing.append("versions")
        return failing

    def _lacks_code(self, table: RouteTable) -> bool:
        """Say whether other processes serve callers that this one has no code for."""
        if self._store.nodes is None:
            return False
        lacking = unserved(table, self._app.versions_here, self._clock())
        # Messages are taken by the code that there is.
        return any(each.handler not in subscribers(table) for each in lacking)

    async def _figures(self) -> Answer:
        try:
            edge, controller = self._app.edge, self._app.controller
            self._gauges.look_at_modules(self._app.module_restarts)
            self._queues.look(self._app.queues)
            await asyncio.to_thread(self._gauges.look, edge, controller, self._store, self._clock)
        except (EventStoreError, NotStartedError):
            # What there is, is worth more than nothing.
            pass
        return Answer(200, (("content-type", CONTENT_TYPE),), exposition(self._metrics))


def check_reach(host: str, tokens: AdminTokens) -> None:
    """Refuse an admin listener that others could reach without a token.

    Raises:
        ServeError: says so.
    """
    if not tokens and not _is_loopback(host):
        raise ServeError(
            problem=f"The admin listener on {host} could be reached by anybody.",
            remedy=f"Set {TOKEN_SETTING}, or listen on 127.0.0.1.",
        )


def _is_foreign(host: str) -> bool:
    """Say whether a `Host` is a name that could be anybody's.

    A page in a browser may let its own name mean this machine, and then is of one origin with us:
    the browser lets it ask, and read the answer. Addresses and localhost cannot be taken so.
    """
    try:
        name = urlsplit(f"//{host}").hostname or "localhost"
        if name == "localhost" or name.endswith(".localhost"):
            return False
        ipaddress.ip_address(name)
    except ValueError:
        return True
    return False


def _is_loopback(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(each[4][0]).is_loopback for each in found)
