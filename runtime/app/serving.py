"""`serve`: an app, a log and an HTTP server, from start to clean stop; `load_app` finds the app."""

import asyncio
import contextlib
import difflib
import gc
import importlib
import resource
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import uvloop

from eventstore import EventStoreError, Store
from runtime.app.admin import Admin, check_reach
from runtime.app.admin_tokens import AdminTokens
from runtime.app.application import App
from runtime.app.carrying import carrying
from runtime.app.ending import ended_when_gone, taken_over
from runtime.app.gating import Gating
from runtime.app.life import ControlLog
from runtime.app.log import Durability, open_log
from runtime.app.logs import LogLines, log_lines
from runtime.control import control_stream
from runtime.effects import SystemIds, Tripping, system_clock
from runtime.errors import AppImportError
from runtime.gates import ReadCondition
from runtime.ingress.counting import Recorded
from runtime.ingress.plain_http import PlainListener
from runtime.ingress.server import DRAIN_S, check_free, serve_http
from runtime.relay import Engine
from runtime.relay.jetstream import JetStream
from runtime.service_facts import MaintenanceStopped
from runtime.telemetry.otlp import Collector
from runtime.telemetry.tracing import Traces
from runtime.version_facts import HandlerDeployed

DEFAULT_PORT = 8000
_USAGE = "Write module:app, such as shop:app."
TURN_S = 0.0005
"""How long a thread keeps the interpreter from those that wait for it, a tenth of what is usual:
the log keeps its rate beside a busy handler, and the loop beside handlers in threads (WR-2)."""
_YOUNG = 20_000
"""Objects that are made between two looks for cycles among them; some MB."""


class AdminAt(msgspec.Struct, frozen=True):
    """Where the admin listener is."""

    port: int
    """0: any that is free."""
    host: str = "127.0.0.1"
    tokens: AdminTokens = AdminTokens()
    """What its callers have to show; none: nothing, which only loopback may do."""
    ready: Callable[[int], None] | None = None
    """Called with its port once it listens."""
    gates: ReadCondition | None = None
    """Reads the conditions of gates, by which those who debug may hold requests; None: there
    are no gates."""


class TracesTo(msgspec.Struct, frozen=True):
    """Where traces go."""

    endpoint: str
    """Of a collector, OTLP over HTTP: `http://127.0.0.1:4318/v1/traces`."""
    ratio: float = 1.0
    """Of the traces whose callers do not decide."""


def serve(  # noqa: PLR0913 - what a program decides, once
    app: App,
    store_url: str,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    durability: Durability = "fsync",
    keyring: Path | None = None,
    ready: Callable[[], None] | None = None,
    drain_s: float = DRAIN_S,
    drain_delay_s: float = 0.0,
    tripwire: Tripping = "off",
    admin: AdminAt | None = None,
    traces: TracesTo | None = None,
    log: LogLines = "plain",
    record_refusals: Recorded = "counted",
    nats: str | None = None,
) -> bool:
    """Serve *app* until SIGTERM or SIGINT, recording to *store_url*.

    On the first signal new requests are refused, running ones have *drain_s*, what they
    recorded is committed, and the log is let go. A second signal cuts the time short.

    Args:
        app: has not been started.
        store_url: of the log, `sqlite:///shop.db`.
        host: address to listen on.
        port: to listen on.
        durability: `fsync`, `bounded`, `process` or `volatile`.
        keyring: file of masters, for values that are hashed or sealed.
        ready: called once it listens.
        drain_s: seconds that running requests have.
        drain_delay_s: seconds for which it still takes requests, and says that it is not
            ready, before it drains: balancers need time to notice.
        tripwire: what becomes of code that reaches the outside past its contexts: `off`,
            `warn` or `raise`.
        admin: where `/healthz`, `/readyz` and `/metrics` are; None: nowhere.
        traces: where spans of requests go; None: nowhere.
        log: how log lines look on stderr, `plain` or `json`.
        record_refusals: see `App.start`.
        nats: address of the server by which shared topics go to other logs; None: they do not.

    Returns:
        Whether every request came to its own end.

    Raises:
        ServeError: the address cannot be listened on, others could reach the admin listener
            without a token, or OpenTelemetry is not installed.
        EventStoreError: the log cannot be opened, is held by another process, or is full;
            `keyring-missing`, `bad-master`, `wrong-master`; `log-fenced`: others took over
            the work of this process, which was silent for too long.
    """
    check_free(host, port)
    if admin is not None:
        check_reach(admin.host, admin.tokens)
    engine = None if nats is None else JetStream(nats)
    _keep_no_cores()
    ids = SystemIds()
    with log_lines(log) as use:
        store = open_log(store_url, ids=ids, durability=durability, keyring=keyring, team=app.name)
        try:
            app.start(
                store, clock=system_clock, ids=ids, tripwire=tripwire,
                record_refusals=record_refusals,
            )  # fmt: skip
            use(app.controller.surroundings.gctx.secrets.cache.scrubber)
            served = _Served(app, store, admin, drain_delay_s, engine)
            exporting = contextlib.nullcontext() if traces is None else _traced(app, store, traces)
            _spare_collections()
            sys.setswitchinterval(TURN_S)
            with exporting:
                return uvloop.run(served.run(host, port, ready, drain_s))
        finally:
            store.close()


def _spare_collections() -> None:
    # What start-up made lives as long as the process: no collection need look at it. A request
    # leaves no cycle behind, so the young are looked through less often than Python would.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])


class _Served:
    """An app that was started, from its begin to its stop."""

    def __init__(
        self,
        app: App,
        store: Store,
        at: AdminAt | None,
        drain_delay_s: float,
        engine: Engine | None,
    ) -> None:
        self._engine = engine
        self._app = app
        self._store = store
        self._at = at
        self._drain_delay_s = drain_delay_s
        self._admin = None if at is None else Admin(app, store, system_clock, at.tokens)
        if self._admin is not None and at is not None and at.gates is not None:
            self._admin.gating = Gating(app.name, store, system_clock, SystemIds(), at.gates)

    async def run(
        self, host: str, port: int, ready: Callable[[], None] | None, drain_s: float
    ) -> bool:
        """Serve until a signal comes; say whether every request came to its own end."""
        clean = False
        async with self._listening():
            try:
                await self._app.begin()
                self._app.retirement.start()
                company = self._app.company
                async with ended_when_gone(company), carrying(self._app, self._store, self._engine):
                    clean = await serve_http(
                        self._app.edge, host=host, port=port, stop=self._stop, ready=ready,
                        drain_s=drain_s,
                    )  # fmt: skip
            finally:
                await self._app.stop(0)
        if company is not None and company.gone.is_set():
            raise taken_over()
        await self._tell(clean=clean)
        return clean

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Answer on the admin listener: before start-up is over, and while requests end."""
        if self._at is None or self._admin is None:
            yield
            return
        async with PlainListener(self._admin, self._at.host, self._at.port) as listener:
            if self._admin.gating is not None:
                address = f"http://{_bracketed(self._at.host)}:{listener.port}"
                self._admin.gating.open(self._app.controller, address)
                if self._app.company is not None:
                    self._app.company.following.listen(self._admin.gating.follow)
            if self._at.ready is not None:
                self._at.ready(listener.port)
            yield

    async def _stop(self, grace_s: float) -> bool:
        if self._admin is not None:
            self._admin.stopping = True
            if self._admin.gating is not None:
                # What is held could not end in the time that is left.
                self._admin.gating.close()
        delay_s, self._drain_delay_s = self._drain_delay_s, 0.0
        await asyncio.sleep(delay_s)
        return await self._app.stop(grace_s)

    async def _tell(self, *, clean: bool) -> None:
        """Write down that it stopped (SD-1)."""
        control = ControlLog(self._store, control_stream(self._app.name), system_clock)
        with contextlib.suppress(EventStoreError):
            control.tell(MaintenanceStopped(clean), self._app.name)
            await control.durable()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextlib.contextmanager
def _traced(app: App, store: Store, to: TracesTo) -> Iterator[None]:
    """Export traces, until what was served is exported."""
    deployed = store.read(control_stream(app.name))
    app.controller.surroundings.sampling.ratio = to.ratio
    traces = Traces(
        store,
        Collector(to.endpoint, app.name),
        app.controller.surroundings.gctx.metrics,
        ratio=to.ratio,
        manifests={
            event.key or "": event.data.manifest
            for event in deployed
            if isinstance(event.data, HandlerDeployed)
        },
    )
    try:
        yield
    finally:
        traces.close()


def _keep_no_cores() -> None:
    """Write no core dumps from now on: they would hold what secrets were read (SE-7)."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def load_app(target: str) -> App:
    """Import `module:app`; the current folder is looked in, too.

    Raises:
        AppImportError: says what was not found, and the nearest names that are there.
    """
    module_name, colon, name = target.partition(":")
    if not colon or not module_name or not name:
        raise AppImportError(problem=f"{target!r} names no app.", remedy=_USAGE)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise _no_module(module_name, error) from _cause(module_name, error)
    except Exception as error:
        raise AppImportError(
            problem=f"{module_name} cannot be imported: {type(error).__name__}: {error}.",
            remedy="Correct it; `python -c 'import …'` shows where.",
        ) from error
    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            apps = [n for n, value in vars(module).items() if isinstance(value, App)]
            raise AppImportError(
                problem=f"{module_name} has no {name!r}.",
                remedy=_nearest(name, apps or list(vars(module))),
            )
        found = getattr(found, part)
    if not isinstance(found, App):
        raise AppImportError(
            problem=f"{target} is of type {type(found).__name__}, no App.", remedy=_USAGE
        )
    return found


def _cause(name: str, error: ModuleNotFoundError) -> ModuleNotFoundError | None:
    """Return *error* if a line of the app's asked for what is not there; None: we did."""
    missing = error.name or name
    return None if missing == name or name.startswith(f"{missing}.") else error


def _no_module(name: str, error: ModuleNotFoundError) -> AppImportError:
    if _cause(name, error) is not None:
        problem = f"{name} needs {error.name!r}, which is not installed."
        return AppImportError(problem, "Install it.")
    there = [path.stem for path in Path.cwd().glob("*.py")]
    there += [path.parent.name for path in Path.cwd().glob("*/__init__.py")]
    return AppImportError(f"There is no module {name!r}.", _nearest(name, there))


def _nearest(name: str, there: list[str]) -> str:
    near = difflib.get_close_matches(name, there, n=3, cutoff=0.4)
    return f"Did you mean {' or '.join(near)}?" if near else _USAGE
