"""Gates in a test: a harness whose requests can be held, on virtual time."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from eventstore import Event, StreamId
from runtime.facts import ContextRestored
from runtime.gates import Condition, Keeper, Moment, PauseView, Wanted
from runtime.gates.pausing import Pause
from runtime.gates.watching import Watch
from runtime.lifecycle.handlers import HandlerVersion
from runtime.replay.following import Course
from runtime.replay.running import Program, Rerun, rerun
from runtime.testing import SeededIds
from tests.controlled import Controlled, Told

OWNER = "debugger-1"


def read_when(text: str) -> Condition:
    """Read `KEY=NUMBER` of the user state; the real language is the debugger's."""
    key, _, number = text.partition("=")

    def holds(moment: Moment) -> bool | str:
        if key not in moment.after:
            return f"no {key}" if number == "?" else False
        return bool(moment.after[key] == int(number))

    return holds


class TellingKeeper(Keeper):
    """Says which requests it begins to hold."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.news: asyncio.Queue[Pause] = asyncio.Queue()

    async def held(self, pause: Pause, watch: Watch) -> None:
        self.news.put_nowait(pause)
        await super().held(pause, watch)


class Gated:
    """A harness with a keeper of gates."""

    def __init__(self, version: HandlerVersion, **harness: Any) -> None:
        self.harness = Controlled(version, replayed=False, **harness)
        self.version = version
        self.told: list[tuple[str, Any]] = []
        self.keeper = TellingKeeper(
            self.harness.clock, SeededIds(7), read_when,
            lambda fact, key: self.told.append((key, fact)),
        )  # fmt: skip
        self.harness.controller.gates = self.keeper.watch
        self._beating: asyncio.Task[None] | None = None

    def arm(self, *, owner: str = OWNER, by: str = "ann", **more: Any) -> str:
        """Arm a gate; *more* are fields of `Wanted`, or names to match."""
        own = {name: more.pop(name) for name in ("when", "hold", "cap", "note") if name in more}
        gate = self.keeper.arm(owner, by, Wanted(match=more, **own)).gate
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat(owner))
        return gate

    async def _beat(self, owner: str) -> None:
        while True:
            await asyncio.sleep(1.0)
            self.keeper.beat(owner)

    def lose(self) -> None:
        """Let the debugger's heart stand still."""
        if self._beating is not None:
            self._beating.cancel()

    def begin(self, **request: Any) -> "asyncio.Task[Told]":
        """Send a request, and go on."""
        return asyncio.create_task(self.harness.send(**request))

    async def paused(self, count: int = 1) -> Sequence[PauseView]:
        """Wait until so many requests are held."""
        for _ in range(10_000):
            held = self.keeper.view().paused
            if len(held) == count:
                return held
            await asyncio.sleep(0.001)
        msg = f"waited for {count} requests to be held, not {len(held)}"
        raise AssertionError(msg)

    def stored(self, pause: PauseView) -> list[Event]:
        """Return what the log has of a held request."""
        return list(self.harness.store.read(StreamId(UUID(pause.request.removeprefix("req-")))))

    def again(self, told: Told) -> Rerun:
        """Run a request again, as it was recorded."""
        course = Course(told.facts, until=len(told.facts))
        around = {name: self.harness._around[name] for name in self.harness._around}
        return rerun(Program(self.version, self.harness.gctx, **around), course)


def without_gates(events: Sequence[Event]) -> list[tuple[str, str | None, object]]:
    """Return what a request wrote, but for what happened at gates.

    A revision that a payload names is counted without them, too.
    """
    at_gates = [e.revision for e in events if e.type.startswith("gate.")]

    def data(fact: Any) -> Any:
        if not isinstance(fact, ContextRestored):
            return fact
        before = sum(revision <= fact.revision for revision in at_gates)
        return msgspec.structs.replace(fact, revision=fact.revision - before)

    return [(e.type, e.key, data(e.data)) for e in events if not e.type.startswith("gate.")]


__all__ = ["OWNER", "Gated", "read_when", "without_gates"]
