"""A handler run without HTTP: the same controller, the same hooks, the same record (TH-2)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from eventstore import Event, Store, StreamId
from runtime.app import App
from runtime.app.assembly import classes_of, ready
from runtime.app.declarations import Declared
from runtime.effects import Tripping
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.handlers import HandlerVersion, Hook
from runtime.lifecycle.noticing import noticing
from runtime.lifecycle.registering import new_hook
from runtime.messages import Received
from runtime.principals import ANONYMOUS
from runtime.replay import Replay
from runtime.replay.choosing import Chosen
from runtime.replay.running import Program
from runtime.testing.asking import Asking, until
from runtime.testing.fakes import FakeClock, SeededIds
from runtime.testing.replaying import again, check_replay
from runtime.testing.results import Result, raised

_UNKNOWN = "tsv:0-{}-1"
"""The version of a handler that is registered for one run alone."""
GIVEN = "runtime.testing.with_state"
"""Id of the hook that sets what `with_state` says."""


class _Around(NamedTuple):
    """Global hooks."""

    before: tuple[Hook, ...] = ()
    after: tuple[Hook, ...] = ()
    catch: tuple[Hook, ...] = ()


class Direct(msgspec.Struct, frozen=True):
    """Runs one handler of a started app, or one that it does not have."""

    app: App
    store: Store
    clock: FakeClock
    ids: SeededIds
    tripwire: Tripping
    replayed: bool
    raise_errors: bool
    declared: Declared
    version: str
    """Its id."""
    hooks: bool
    """False: global and route hooks are left out."""

    async def carry(self, asking: Asking) -> Result:
        """Run it and gather what it gave.

        Raises:
            BaseException: what it failed with, if the harness raises errors.
            DivergenceError: it was run again and did not say the same.
            ValueError: it is to run at a time that has passed.
        """
        await until(asking, self.clock)
        version, parts = ready(self.declared, self.version), self.app.parts
        around = _Around(tuple(parts.before), tuple(parts.after), tuple(parts.catch))
        left_out: tuple[str, ...] = ()
        if not self.hooks:
            own = _Around(version.before, version.after, version.catch)
            left_out = tuple(each.id for hooks in (*around, *own) for each in hooks)
            around = _Around()
            version = msgspec.structs.replace(version, before=(), after=(), catch=())
        if asking.state:
            around = around._replace(before=(_setting(asking.state), *around.before))
        result = await self._run(asking, version, around)
        return msgspec.structs.replace(result, left_out=left_out)

    async def _run(self, asking: Asking, version: HandlerVersion, around: "_Around") -> Result:
        parts, gctx = self.app.parts, self.app.controller.surroundings.gctx
        classes = classes_of(
            (*parts.declared, self.declared), parts.registered, has_keyring=self.store.has_keyring
        )
        controller = Controller(
            self.store, clock=self.clock, ids=self.ids, gctx=gctx, classes=classes,
            root=parts.root, tripwire=self.tripwire,
            before=around.before, after=around.after, catch=around.catch,
        )  # fmt: skip
        stream = StreamId(self.ids.uuid7(self.clock()))
        with noticing() as noticed:
            try:
                answer = await controller.run(self._received(asking, stream), version)
            finally:
                controller.close()
        facts = tuple(self.store.read(stream))
        program = Program(version, gctx, *around, classes=classes, root=parts.root)
        if self.replayed:
            check_replay(program, facts)
        result = Result(
            answer.status, dict(answer.headers), answer.body, facts,
            error=noticed.get(stream), run_again=partial(self._again, program),
        )  # fmt: skip
        return raised(result) if self.raise_errors else result

    def _again(self, program: Program, facts: Sequence[Event], version: str | None) -> Replay:
        """Run it again as it ran, hooks of the test and all; another version as the app has it."""
        chosen = Chosen(program, self.version, self.version, self.declared)
        return again(self.app, self.store, facts, version, chosen if version is None else None)

    def _received(self, asking: Asking, stream: StreamId) -> Received:
        return Received(
            stream=stream,
            method=asking.method,
            path=asking.target.partition("?")[0],
            received_us=self.clock(),
            params={name: str(value) for name, value in asking.params.items()},
            query=asking.query,
            headers=asking.headers,
            body=asking.body,
            principal=asking.principal or ANONYMOUS,
        )


def find(app: App, handler: Callable[..., Any]) -> tuple[Declared, str] | None:
    """Return what a running app declared of a handler, and the id of its version; None: nothing."""
    for each in app.parts.declared:
        if each.call.callable is handler:
            routes = app.edge.board.table.handlers[each.handler]
            same = [v.id for v in routes.line if v.fingerprint == each.fingerprint]
            return each, str(same[-1])
    return None


def declare(handler: Callable[..., Any], route: str) -> tuple[Declared, str]:
    """Register a handler for one run.

    Raises:
        RegistrationError: it cannot be a handler.
    """
    alone = App("alone")
    alone.handler(route)(handler)
    (declared,) = alone.parts.declared
    return declared, _UNKNOWN.format(declared.handler)


def _setting(state: Mapping[str, Any]) -> Hook:
    def given(lctx: Any) -> None:
        for name, value in state.items():
            lctx.set(name, value)

    return new_hook(given, id=GIVEN, kind="before", level="global")
