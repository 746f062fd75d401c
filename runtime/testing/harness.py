"""An app in a test: the real runtime over a log in memory, through its ASGI door (TH-1).

Only time, ids, chance, modules, config and secrets are replaced.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self, TypeAlias, Unpack

from eventstore import Event, EventStoreError, Store, StreamId
from runtime.app import App
from runtime.app.parts import Instead
from runtime.context import registry
from runtime.effects import Tripping
from runtime.effects.virtual_loop import VirtualLoop, refuse_deadlock
from runtime.errors import MissingModuleError
from runtime.lifecycle.meta import when
from runtime.lifecycle.noticing import noticing
from runtime.modules import ModuleRegistry
from runtime.replay import Replay
from runtime.request_ids import stream_of
from runtime.secrets import Provider
from runtime.testing.asking import Asking, Given, asked, until
from runtime.testing.direct import Direct, declare, find
from runtime.testing.door import exchange
from runtime.testing.doubles import FakeModule, FakeSecrets, stand_in
from runtime.testing.failing_store import FailingStore
from runtime.testing.fakes import FakeClock, SeededIds
from runtime.testing.faults import Faults, Faulty
from runtime.testing.posing import posing
from runtime.testing.replaying import again, always_replay, check_app
from runtime.testing.results import Result, raised

Around: TypeAlias = Callable[[str, Callable[..., Any]], Callable[..., Any]]
"""From the name of a method and the method to what is called in place of it."""


class Harness(Faulty):
    """An app that is asked in a test. Use it on a `VirtualLoop`, or by `with` where none runs.

    Args:
        app: not started; it is stopped at the end, and may be used again.
        modules: doubles, or other objects, in place of the app's modules.
        config: in place of the app's; None: the app's.
        secrets: that there are; None: none.
        seed: of ids and chance: equal seeds and requests write equal logs.
        store: another log; None: one in memory.
        tripwire: what becomes of code that reaches the outside past its contexts.
        replayed: run each request again at its end, to see that it says the same; None: if
            `TIMESCAPE_ALWAYS_REPLAY` is set.
        raise_errors: let a request raise what it failed with, where that becomes a 500; what
            has a status of its own, such as an `HttpError`, is still answered.

    Raises:
        MissingModuleError: when it begins: its handlers use modules that nobody gave.
    """

    def __init__(  # noqa: PLR0913 - what a test may replace
        self,
        app: App,
        *,
        modules: Mapping[str, object] | None = None,
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | Provider | None = None,
        seed: int = 0,
        store: Store | None = None,
        tripwire: Tripping = "raise",
        replayed: bool | None = None,
        raise_errors: bool = False,
    ) -> None:
        self.app = app
        self.clock = FakeClock()
        self.store: Store = store or FailingStore(
            registry=registry(), clock=self.clock, ids=SeededIds(seed + 1)
        )
        super().__init__(Faults(self.clock.block, self.store))
        self.carried: Around = _as_it_is
        """Goes around each method of a module, within the faults."""
        self.replayed = always_replay() if replayed is None else replayed
        self.raise_errors = raise_errors
        self.ids = SeededIds(seed)
        self._tripwire = tripwire
        self._modules = dict(modules or {})
        self._config = config
        self._secrets = secrets
        self._runner: asyncio.Runner | None = None

    # --- life ---

    async def __aenter__(self) -> Self:
        self._refuse_missing()
        if any(each.since and each.since.backfill for each in self.app.handlers):
            self.app.backfill(self.store, by="harness", clock=self.clock)
        self.app.start(
            self.store,
            clock=self.clock,
            ids=self.ids,
            tripwire=self._tripwire,
            instead=self._instead(),
            record_refusals="all",
        )
        try:
            await self.app.begin()
        except BaseException:
            await self.app.stop(0)
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.app.stop()
        if kind is None:
            self._faults.refuse_unused()

    def _refuse_missing(self) -> None:
        """Refuse to test an app whose handlers use modules that are not there.

        Raises:
            MissingModuleError: lists them; of what source does not show, nothing is known.
        """
        known = {*self.app.parts.modules.names(), *self._modules}
        used = {n.partition(".")[0] for each in self.app.manifests for n in each.needs.modules}
        missing = sorted(used - known)
        if missing:
            raise MissingModuleError(
                problem=f"{self.app.name!r} uses modules that nobody gave: {', '.join(missing)}.",
                remedy="Give doubles: Harness(app, modules={name: FakeModule(…)}).",
            )

    async def restart(self, app: App | None = None) -> None:
        """Stop the app, and go on in its log with the same, or with *app*.

        What it raises when it starts leaves the harness without a running app.
        """
        await self.app.stop()
        self.app = app or self.app
        await self.__aenter__()

    def __enter__(self) -> "Asked":
        loop = VirtualLoop(stuck=refuse_deadlock)
        runner = self._runner = asyncio.Runner(loop_factory=lambda: loop)
        try:
            runner.run(self.__aenter__())
        except BaseException:
            runner.close()
            raise
        return Asked(self, runner, self._faults)

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            with runner:
                runner.run(self.__aexit__(kind, *rest))

    def _instead(self) -> Instead:
        parts = self.app.parts
        secrets = self._secrets
        if secrets is None or isinstance(secrets, Mapping):
            secrets = FakeSecrets(secrets)
        return Instead(
            self._registry(parts.modules),
            parts.config if self._config is None else self._config,
            (secrets,),
            frozenset(self._modules),
        )

    def _registry(self, own: ModuleRegistry) -> ModuleRegistry:
        given: dict[str, tuple[object, tuple[str, ...] | None]] = {}
        for name, module in self._modules.items():
            real = own.methods(name) if name in own.names() else None
            given[name] = (module, None)
            if isinstance(module, FakeModule):
                given[name] = stand_in(module, name, real, self.clock)
        return own.changed(
            given, lambda name, call: self._faults.around(name, self.carried(name, call))
        )

    async def reopen(self) -> None:
        """Let another process go on after a crash: what was left open is ended (CN-7)."""
        # What the dead one would still write at its end is lost.
        with suppress(EventStoreError):
            await self.app.stop(0)
        self._faults.revive()
        await self.__aenter__()

    # --- asking ---

    def request(self, method: str, path: str) -> Asking:
        """Begin a request; to send it, await it."""
        return Asking(self, method, path)

    def run(
        self, handler: Callable[..., Any], *, route: str = "POST /", hooks: bool = True
    ) -> Asking:
        """Begin a run of a handler without HTTP: edge, policies and versions are left out.

        All else is as it is served: validation, hooks, limits, compensations, the record.

        Args:
            handler: of the app; any other is registered for this run alone.
            route: of one that the app does not have.
            hooks: False: global and route hooks do not run; `Result.left_out` says which.

        Raises:
            NotStartedError: the app does not run.
            RegistrationError: it cannot be a handler.
        """
        declared, version = find(self.app, handler) or declare(handler, route)
        direct = Direct(
            self.app, self.store, self.clock, self.ids, self._tripwire, self.replayed,
            self.raise_errors, declared, version, hooks,
        )  # fmt: skip
        method, _, path = declared.template.text.partition(" ")
        return Asking(direct, method, path)

    def get(self, path: str, **options: Unpack[Given]) -> Asking:
        """Begin a GET request."""
        return asked("GET", path, self, options)

    def delete(self, path: str, **options: Unpack[Given]) -> Asking:
        """Begin a DELETE request."""
        return asked("DELETE", path, self, options)

    def post(self, path: str, **options: Unpack[Given]) -> Asking:
        """Begin a POST request."""
        return asked("POST", path, self, options)

    def put(self, path: str, **options: Unpack[Given]) -> Asking:
        """Begin a PUT request."""
        return asked("PUT", path, self, options)

    def patch(self, path: str, **options: Unpack[Given]) -> Asking:
        """Begin a PATCH request."""
        return asked("PATCH", path, self, options)

    async def carry(self, asking: Asking) -> Result:
        """Send a request and gather what it gave.

        Raises:
            BaseException: what it failed with, if the harness raises errors.
            ConnectionError: the process died meanwhile, because the test said so.
            DivergenceError: it was run again and did not say the same.
            ValueError: it is to be sent at a time that has passed.
        """
        if asking.state:
            msg = "with_state is for what `run` began: a request brings no state."
            raise TypeError(msg)
        await until(asking, self.clock)
        leaves_after = self._faults.leaves_after()
        with posing(self.app, asking.principal), noticing() as noticed:
            status, headers, body = await exchange(self.app.edge, asking, leaves_after)
        if self._faults.has_crashed:
            msg = "The process died: call reopen()."
            raise ConnectionError(msg)
        stream = _stream_of(headers.get("request-id", ""))
        facts = () if stream is None else tuple(self.store.read(stream))
        if self.replayed and stream is not None and facts:
            check_app(self.app, self.store, [stream])
        error = None if stream is None else noticed.get(stream)
        result = Result(status, headers, body, facts, error=error, run_again=self._again)
        return raised(result) if self.raise_errors else result

    def replay(self, result: Result, version: str | None = None) -> Replay:
        """Run a request again; see `Result.replay`."""
        return result.replay(version)

    def _again(self, facts: Sequence[Event], version: str | None) -> Replay:
        return again(self.app, self.store, facts, version)

    # --- time ---

    @property
    def now_us(self) -> int:
        """Virtual time, µs since 1970."""
        return self.clock()

    @property
    def now(self) -> dt.datetime:
        """Virtual time, UTC."""
        return when(self.clock())

    def next_timer(self) -> float | None:
        """Return in how many virtual seconds something is due next; None: nothing is.

        On the event loop that the harness runs on.
        """
        loop = asyncio.get_running_loop()
        due = loop.next_timer() if isinstance(loop, VirtualLoop) else None
        return None if due is None else max(0.0, due - loop.time())

    async def advance(self, seconds: float) -> None:
        """Let virtual time pass, and what is due in it happen."""
        await asyncio.sleep(seconds)


class Asked(Faulty):
    """The harness where no event loop runs: its requests are sent as soon as they are made."""

    def __init__(self, harness: Harness, runner: asyncio.Runner, faults: Faults) -> None:
        super().__init__(faults)
        self.harness = harness
        self._runner = runner

    @property
    def now(self) -> dt.datetime:
        """Virtual time, UTC."""
        return self.harness.now

    def send(self, asking: Asking) -> Result:
        """Send a request that was put together with `request`."""
        return self._runner.run(asking.send())

    def request(self, method: str, path: str) -> Asking:
        """Begin a request; `send` sends it."""
        return self.harness.request(method, path)

    def run(
        self, handler: Callable[..., Any], *, route: str = "POST /", hooks: bool = True
    ) -> Asking:
        """Begin a run of a handler without HTTP; `send` runs it. See `Harness.run`."""
        return self.harness.run(handler, route=route, hooks=hooks)

    def get(self, path: str, **options: Unpack[Given]) -> Result:
        """Send a GET request."""
        return self.send(self.harness.get(path, **options))

    def delete(self, path: str, **options: Unpack[Given]) -> Result:
        """Send a DELETE request."""
        return self.send(self.harness.delete(path, **options))

    def post(self, path: str, **options: Unpack[Given]) -> Result:
        """Send a POST request."""
        return self.send(self.harness.post(path, **options))

    def put(self, path: str, **options: Unpack[Given]) -> Result:
        """Send a PUT request."""
        return self.send(self.harness.put(path, **options))

    def patch(self, path: str, **options: Unpack[Given]) -> Result:
        """Send a PATCH request."""
        return self.send(self.harness.patch(path, **options))

    def replay(self, result: Result, version: str | None = None) -> Replay:
        """Run a request again; see `Harness.replay`."""
        return self.harness.replay(result, version)

    def reopen(self) -> None:
        """Let another process go on after a crash."""
        self._runner.run(self.harness.reopen())

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._runner.run(self.harness.advance(seconds))


def _as_it_is(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    return call


def _stream_of(request_id: str) -> StreamId | None:
    return stream_of(request_id) if request_id else None
