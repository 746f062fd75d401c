"""An app in a test: the real runtime over a log in memory, through its ASGI door (TH-1).

Only time, ids, chance, modules, config and secrets are replaced.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Self, TypeAlias
from uuid import UUID

from eventstore import EventStoreError, Store, StreamId
from runtime.app import App
from runtime.app.parts import Instead
from runtime.context import registry
from runtime.effects import Tripping
from runtime.effects.virtual_loop import Deadlock, VirtualLoop
from runtime.modules import ModuleRegistry
from runtime.replay import Replay, run_again
from runtime.replay.choosing import Library
from runtime.replay.reexecution import Options
from runtime.secrets import Provider
from runtime.testing.asking import Asking
from runtime.testing.door import exchange
from runtime.testing.doubles import FakeModule, FakeSecrets, stand_in
from runtime.testing.failing_store import FailingStore
from runtime.testing.fakes import FakeClock, SeededIds
from runtime.testing.faults import Faults
from runtime.testing.replaying import always_replay, apart, check_app
from runtime.testing.results import Result

Around: TypeAlias = Callable[[str, Callable[..., Any]], Callable[..., Any]]
"""From the name of a method and the method to what is called in place of it."""


class AppHarness:
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
    ) -> None:
        self.app = app
        self.clock = FakeClock()
        self.store: Store = store or FailingStore(
            registry=registry(), clock=self.clock, ids=SeededIds(seed + 1)
        )
        self.faults = Faults(self.clock.block, self.store)
        self.carried: Around = _as_it_is
        """Goes around each method of a module, within the faults."""
        self.replayed = always_replay() if replayed is None else replayed
        self.ids = SeededIds(seed)
        self._tripwire = tripwire
        self._modules = dict(modules or {})
        self._config = config
        self._secrets = secrets
        self._runner: asyncio.Runner | None = None

    # --- life ---

    async def __aenter__(self) -> Self:
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
            self.faults.refuse_unused()

    async def restart(self, app: App | None = None) -> None:
        """Stop the app, and go on in its log with the same, or with *app*.

        What it raises when it starts leaves the harness without a running app.
        """
        await self.app.stop()
        self.app = app or self.app
        await self.__aenter__()

    def __enter__(self) -> "Asked":
        loop = VirtualLoop(stuck=_deadlock)
        runner = self._runner = asyncio.Runner(loop_factory=lambda: loop)
        try:
            runner.run(self.__aenter__())
        except BaseException:
            runner.close()
            raise
        return Asked(self, runner)

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
            methods = None
            if isinstance(module, FakeModule):
                methods = stand_in(module, name, real, self.clock)
            given[name] = (module, methods)
        return own.changed(
            given, lambda name, call: self.faults.around(name, self.carried(name, call))
        )

    async def reopen(self) -> None:
        """Let another process go on after a crash: what was left open is ended (CN-7)."""
        # What the dead one would still write at its end is lost.
        with suppress(EventStoreError):
            await self.app.stop(0)
        self.faults.revive()
        await self.__aenter__()

    # --- asking ---

    def request(self, method: str, path: str) -> Asking:
        """Begin a request; to send it, await it."""
        return Asking(self, method, path)

    def run(self, handler: Callable[..., Any]) -> Asking:
        """Begin a request of a handler of the app, of the version that it is.

        Raises:
            TypeError: it is no handler of the app.
        """
        for each in self.app.parts.declared:
            if each.call.callable is handler:
                method, _, path = each.template.text.partition(" ")
                asking = self.request(method, path)
                return asking if each.edition is None else asking.version(each.edition)
        msg = f"{getattr(handler, '__qualname__', handler)!s} is no handler of {self.app.name!r}."
        raise TypeError(msg)

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Asking:
        """Begin a GET request."""
        return _with(self.request("GET", path), headers, None)

    def delete(self, path: str, *, headers: Mapping[str, str] | None = None) -> Asking:
        """Begin a DELETE request."""
        return _with(self.request("DELETE", path), headers, None)

    def post(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> Asking:
        """Begin a POST request."""
        return _with(self.request("POST", path), headers, json)

    def put(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> Asking:
        """Begin a PUT request."""
        return _with(self.request("PUT", path), headers, json)

    def patch(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> Asking:
        """Begin a PATCH request."""
        return _with(self.request("PATCH", path), headers, json)

    async def carry(self, asking: Asking) -> Result:
        """Send a request and gather what it gave.

        Raises:
            ConnectionError: the process died meanwhile, because the test said so.
            DivergenceError: it was run again and did not say the same.
        """
        leaves_after = self.faults.leaves_after()
        status, headers, body = await exchange(self.app.edge, asking, leaves_after)
        if self.faults.has_crashed:
            msg = "The process died: call reopen()."
            raise ConnectionError(msg)
        stream = _stream_of(headers.get("request-id", ""))
        facts = () if stream is None else tuple(self.store.read(stream))
        if self.replayed and stream is not None and facts:
            check_app(self.app, self.store, [stream])
        return Result(status, headers, body, facts)

    def replay(self, result: Result, version: str | None = None) -> Replay:
        """Run a request again, by another version if one is named; nothing is performed."""
        stream = result.facts[0].stream
        options = Options(version=version)
        library = Library(self.app, self.store)
        found: Replay = apart(lambda: run_again(library, result.facts, options, fork=stream))
        return found

    # --- time ---

    @property
    def now_us(self) -> int:
        """Virtual time, µs since 1970."""
        return self.clock()

    async def advance(self, seconds: float) -> None:
        """Let virtual time pass, and what is due in it happen."""
        await asyncio.sleep(seconds)


class Asked:
    """The harness where no event loop runs: its requests are sent as soon as they are made."""

    def __init__(self, harness: AppHarness, runner: asyncio.Runner) -> None:
        self.harness = harness
        self._runner = runner

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self.harness.faults

    def send(self, asking: Asking) -> Result:
        """Send a request that was put together with `request`."""
        return self._runner.run(asking.send())

    def request(self, method: str, path: str) -> Asking:
        """Begin a request; `send` sends it."""
        return self.harness.request(method, path)

    def run(self, handler: Callable[..., Any]) -> Asking:
        """Begin a request of a handler of the app; `send` sends it."""
        return self.harness.run(handler)

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Result:
        """Send a GET request."""
        return self.send(self.harness.get(path, headers=headers))

    def delete(self, path: str, *, headers: Mapping[str, str] | None = None) -> Result:
        """Send a DELETE request."""
        return self.send(self.harness.delete(path, headers=headers))

    def post(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> Result:
        """Send a POST request."""
        return self.send(self.harness.post(path, json=json, headers=headers))

    def put(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> Result:
        """Send a PUT request."""
        return self.send(self.harness.put(path, json=json, headers=headers))

    def patch(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> Result:
        """Send a PATCH request."""
        return self.send(self.harness.patch(path, json=json, headers=headers))

    def replay(self, result: Result, version: str | None = None) -> Replay:
        """Run a request again; see `AppHarness.replay`."""
        return self.harness.replay(result, version)

    def reopen(self) -> None:
        """Let another process go on after a crash."""
        self._runner.run(self.harness.reopen())

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._runner.run(self.harness.advance(seconds))


def _as_it_is(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    return call


def _with(asking: Asking, headers: Mapping[str, str] | None, json: Any) -> Asking:
    for name, value in (headers or {}).items():
        asking = asking.with_header(name, value)
    return asking if json is None else asking.with_body(json)


def _stream_of(request_id: str) -> StreamId | None:
    return StreamId(UUID(request_id.removeprefix("req-"))) if request_id else None


def _deadlock() -> None:
    msg = "Nothing can happen any more, and the work is not done."
    raise Deadlock(msg)
