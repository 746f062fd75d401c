"""Contexts of a request that a test makes up, for functions that take them (TH-6, LC-1).

with FakeContext(state={"sku": "tea"}, modules={"pricing": FakeModule(quote=8)}) as fake:
    assert fake.call(price_of) == 8
    assert fake.lctx.get("price") == 8
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import msgspec

from eventstore import Event, StreamId
from eventstore.memory import MemoryStore
from runtime.context import registry
from runtime.effects import Tripping
from runtime.effects.virtual_loop import VirtualLoop, refuse_deadlock
from runtime.errors import NotStartedError
from runtime.lifecycle.binding import HANDLER_NAMES, bind
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.handlers import HandlerVersion
from runtime.lifecycle.local_context import LocalContext
from runtime.lifecycle.requests import undecoded
from runtime.lifecycle.run import Run
from runtime.lifecycle.sections import drive
from runtime.messages import Fields, Received, Request, Response
from runtime.modules import CALLER, ModuleRegistry
from runtime.principals import ANONYMOUS, Principal
from runtime.secrets import Provider
from runtime.testing.doubles import FakeModule, FakeSecrets, stand_in
from runtime.testing.fakes import FakeClock, SeededIds

VERSION = "tsv:1790000000-fake-001"
"""What `lctx.version` says, unless told otherwise."""
_ALSO = frozenset({"error", "result"})


class FakeContext:
    """`req`, `res`, `lctx` and `gctx` of a request that nobody sent.

    They are the real ones, on a log in memory, virtual time and seeded chance: what a function
    does with them is checked and recorded as in a request that was let in and has not reached
    its handler. Use it by `with`, and by `async with` on a `VirtualLoop`. There are no hooks, no
    validation and no end: for a handler as a whole see `Harness.run`.

    Args:
        body: `req.body`, as it is; None: there is none.
        method: POST, unless told otherwise.
        path: `/`; so `req.url_path`.
        params: `req.path`; none.
        query: `req.query`; empty.
        headers: empty.
        principal: who asks; the anonymous one.
        state: values of the context that are there already; none.
        modules: doubles, or other objects; none.
        config: empty.
        secrets: none.
        version: id of the version that runs; `VERSION`.
        client: address; `unknown`.
        flags: none.
        timeout: seconds until the deadline; 30.
        seed: of ids and chance; 0.
        tripwire: what becomes of code that reaches the outside past its contexts; `raise`.
    """

    def __init__(  # noqa: PLR0913 - what a request has
        self,
        body: Any = None,
        *,
        method: str = "POST",
        path: str = "/",
        params: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        principal: Principal = ANONYMOUS,
        state: Mapping[str, object] | None = None,
        modules: Mapping[str, object] | None = None,
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | Provider | None = None,
        version: str = VERSION,
        client: str = "unknown",
        flags: Sequence[str] = (),
        timeout: float = 30.0,
        seed: int = 0,
        tripwire: Tripping = "raise",
    ) -> None:
        self.clock = FakeClock()
        self._ids = SeededIds(seed)
        self._store = MemoryStore(registry(), self.clock, SeededIds(seed + 1))
        if secrets is None or isinstance(secrets, Mapping):
            secrets = FakeSecrets(secrets)
        self._controller = Controller(
            self._store, clock=self.clock, ids=self._ids, tripwire=tripwire,
            gctx=GlobalContext(_registry(modules or {}, self.clock), config, secrets=secrets),
        )  # fmt: skip
        self._version = _version(f"{method} {path}", version, timeout)
        self._state = dict(state or {})
        raw = b"" if body is None else body
        raw = raw if isinstance(raw, bytes) else msgspec.json.encode(raw)
        named = {name.lower(): value for name, value in (headers or {}).items()}
        self._request: Request[Any] = Request(
            method, path, Fields(params or {}), Fields(query or {}), named, body, raw, principal
        )
        self._client, self._flags = client, tuple(flags)
        self._caller: Any = None
        self._run: Run | None = None
        self._runner: asyncio.Runner | None = None

    # --- life ---

    async def __aenter__(self) -> Self:
        self._caller = CALLER.get()
        run = self._run = self._controller.begin(self._received(), self._version)
        run.scope.update(req=self._request, error=None, result=None)
        for key, value in self._state.items():
            self.lctx.set(key, value)
        return self

    async def __aexit__(self, *_: object) -> None:
        run = self._begun
        run.stage = "over"
        run.record.end(run.lease)
        run.record.commit()
        CALLER.set(self._caller)
        self._controller.close()

    def __enter__(self) -> Self:
        loop = VirtualLoop(stuck=refuse_deadlock)
        self._runner = asyncio.Runner(loop_factory=lambda: loop)
        return self._runner.run(self.__aenter__())

    def __exit__(self, *_: object) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            with runner:
                runner.run(self.__aexit__())

    @property
    def _begun(self) -> Run:
        if self._run is None:
            raise NotStartedError(
                problem="The contexts are not there yet.",
                remedy="Use it by `with FakeContext(…) as fake:`.",
            )
        return self._run

    def _received(self) -> Received:
        request = self._request
        return Received(
            stream=StreamId(self._ids.uuid7(self.clock())),
            method=request.method,
            path=request.url_path,
            received_us=self.clock(),
            params={name: str(value) for name, value in request.path.items()},
            headers=tuple(request.headers.items()),
            body=request.raw,
            client=self._client,
            flags=self._flags,
            principal=request.principal,
        )

    # --- what there is ---

    @property
    def req(self) -> Request[Any]:
        """The request."""
        return self._request

    @property
    def res(self) -> Response:
        """What functions write into."""
        return self._begun.response

    @property
    def lctx(self) -> LocalContext:
        """The local context; it takes nothing any more once the block has ended."""
        found: LocalContext = self._begun.scope["lctx"]
        return found

    @property
    def gctx(self) -> GlobalContext:
        """The global context."""
        return self._controller.surroundings.gctx

    @property
    def facts(self) -> Sequence[Event]:
        """What was recorded so far."""
        run = self._begun
        run.record.commit()
        return tuple(self._store.read(run.record.stream))

    # --- calling ---

    def call(
        self, fn: Callable[..., Any], *, error: BaseException | None = None, result: Any = None
    ) -> Any:
        """Call *fn*, sync or async, with what it asks for by name; return what it returns.

        Args:
            fn: a handler, a hook, or any function of `req`, `res`, `lctx` and `gctx`.
            error: of a catch hook that asks for it.
            result: of an after hook that asks for it.

        Raises:
            SignatureError: it asks for something else.
            RequestTimedOutError: the deadline passed.
            NotStartedError: outside of `with`; in an async test await `acall`.
        """
        if self._runner is None:
            raise NotStartedError(
                problem="`call` is for `with FakeContext(…)`.",
                remedy="Where an event loop runs: `await fake.acall(…)`.",
            )
        return self._runner.run(self.acall(fn, error=error, result=result))

    async def acall(
        self, fn: Callable[..., Any], *, error: BaseException | None = None, result: Any = None
    ) -> Any:
        """Call *fn* on the event loop that runs; see `call`."""
        run, task = self._begun, asyncio.current_task()
        assert task is not None  # noqa: S101 - it is awaited
        run.task, run.cancelling = task, task.cancelling()
        run.scope.update(error=error, result=result)
        work = run.work(bind(fn, HANDLER_NAMES, _ALSO))
        return await drive(run, work, None, True)  # noqa: FBT003 - see `drive`


def _registry(modules: Mapping[str, object], clock: FakeClock) -> ModuleRegistry:
    made = ModuleRegistry()
    for name, module in modules.items():
        if isinstance(module, FakeModule):
            made.register(name, *stand_in(module, name, None, clock))
        else:
            made.register(name, module)
    return made


def _version(route: str, version: str, timeout_s: float) -> HandlerVersion:
    return HandlerVersion(
        handler="fake", method=route.partition(" ")[0], route=route, version=version, edition=None,
        call=bind(_nothing), parse=undecoded, render=msgspec.json.encode,
        redact_body=msgspec.json.decode, redact_answer=msgspec.json.decode, timeout_s=timeout_s,
    )  # fmt: skip


def _nothing() -> None:
    """Stand for the handler: only what a test calls is run."""
