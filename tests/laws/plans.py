"""Requests as drawn values: what hooks and handler do, and the callables that do it."""

import asyncio
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from runtime import Backoff
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.handlers import HandlerVersion, Hook
from runtime.lifecycle.local_context import LocalContext
from runtime.lifecycle.registering import new_hook
from runtime.messages import HttpError
from runtime.modules import ModuleRegistry
from runtime.replay.looping import ReplayLoop
from tests.builders import version_of

Step = tuple[Any, ...]
Program = tuple[Step, ...]
LEVELS = ("global", "route", "local")
KEYS = ("a", "b", "cart")
LIMIT_S = 5.0


class PlannedError(Exception):
    """An error of a planned program."""


@dataclass(frozen=True)
class PlannedHook:
    """A hook, and what it does at each attempt."""

    kind: str
    level: str
    program: Program
    retries: int = 0
    fails: int = 0
    """How many of its first attempts raise."""
    is_async: bool = True
    waits: Backoff | None = None
    """Between attempts."""

    @property
    def backoff(self) -> Backoff | None:
        return self.waits if self.retries else None


@dataclass(frozen=True)
class Plan:
    """A request."""

    handler: Program = ()
    hooks: tuple[PlannedHook, ...] = ()
    timeout_s: float = 30.0
    is_async: bool = True

    def of(self, kind: str, level: str) -> list[tuple[int, PlannedHook]]:
        return [(i, h) for i, h in enumerate(self.hooks) if (h.kind, h.level) == (kind, level)]


class Bench:
    """A module whose answers are a function of its arguments, and which counts its calls."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    async def ask(self, what: int, takes_s: float = 0.0) -> dict[str, Any]:
        self.calls.append(("ask", what))
        if takes_s:
            await asyncio.sleep(takes_s)
        return {"what": what, "twice": (what, what)}

    async def refuse(self, what: int) -> None:
        self.calls.append(("refuse", what))
        raise PlannedError(what)

    def undo(self, what: int) -> None:
        self.calls.append(("undo", what))
        if what < 0:
            raise PlannedError(what)


def global_context(bench: Bench) -> GlobalContext:
    registry = ModuleRegistry()
    registry.register("bench", bench)
    return GlobalContext(registry)


# --- what is drawn ---

values = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.text("ab", max_size=3),
    st.lists(st.integers(0, 3), max_size=3), st.dictionaries(st.sampled_from("xy"), st.integers()),
)  # fmt: skip
seconds = st.sampled_from([0.0, 0.5, 1.0, 3.0])

quiet_steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(KEYS), values),
    st.tuples(st.just("delete"), st.sampled_from(KEYS)),
    st.just(("clean",)),
    st.tuples(st.just("edit"), st.sampled_from(KEYS), st.integers(0, 9)),
    st.tuples(st.just("publish"), st.sampled_from(["t", "u"]), values),
    st.just(("snapshot",)),
    st.just(("restore",)),
    st.just(("now",)),
    st.just(("uuid",)),
    st.just(("random",)),
)
waiting_steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("sleep"), seconds),
    st.tuples(st.just("ask"), st.integers(0, 9), seconds),
    st.tuples(st.just("refuse"), st.integers(0, 9)),
)
ending_steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("compensate"), st.integers(-3, 3)),
    st.just(("forget",)),
    st.tuples(st.just("cleanup"), st.booleans()),
)
async_steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("wait"), seconds),
    st.tuples(st.just("both"), st.lists(st.tuples(st.integers(0, 9), seconds), max_size=3)),
)
failing_steps: st.SearchStrategy[Step] = st.one_of(
    st.just(("raise",)), st.tuples(st.just("http"), st.sampled_from([400, 409, 503]))
)


def programs(*kinds: st.SearchStrategy[Step], most: int = 5) -> st.SearchStrategy[Program]:
    """Draw programs of steps of these kinds."""
    return st.lists(st.one_of(*kinds), max_size=most).map(tuple)


def hooks(
    program: st.SearchStrategy[Program], kinds: Sequence[str] = ("before", "after", "catch")
) -> st.SearchStrategy[PlannedHook]:
    """Draw hooks that do *program*."""
    return st.builds(
        PlannedHook,
        kind=st.sampled_from(kinds),
        level=st.sampled_from(LEVELS),
        program=program,
        retries=st.integers(0, 2),
        fails=st.sampled_from([0, 0, 0, 1, 2, 9]),
        waits=st.sampled_from([None, Backoff(0.5, 2.0, 0.75)]),
    )


def plans(program: st.SearchStrategy[Program], most_hooks: int = 4) -> st.SearchStrategy[Plan]:
    """Draw requests."""
    return st.builds(
        Plan,
        handler=st.tuples(program, st.one_of(st.just(()), st.tuples(failing_steps))).map(
            lambda parts: (*parts[0], *parts[1])
        ),
        hooks=st.lists(hooks(program), max_size=most_hooks).map(tuple),
        timeout_s=st.sampled_from([2.0, 30.0, 30.0]),
    )


# --- as callables ---


@dataclass
class Running:
    """What a planned request did, beside its facts."""

    ran: list[str] = field(default_factory=list)
    late: list[BaseException] = field(default_factory=list)


def version_for(
    plan: Plan, running: Running | None = None
) -> tuple[HandlerVersion, dict[str, Any]]:
    """Return the plan's handler version, and its global hooks by kind."""
    running = running or Running()
    routes: dict[str, Any] = {}
    everywhere: dict[str, tuple[Hook, ...]] = {}
    for kind in ("before", "after", "catch"):
        made = {
            level: [
                new_hook(
                    hook_call(hook, i, running), id=f"{level}-{i}", kind=kind, level=level,
                    timeout=LIMIT_S, retries=hook.retries, backoff=hook.backoff,
                )
                for i, hook in plan.of(kind, level)
            ]
            for level in ("global", "route")
        }  # fmt: skip
        routes[kind] = made["route"]
        everywhere[kind] = tuple(made["global"])
    if any(hook.level == "local" for hook in plan.hooks):
        # The last of the route's, so that it may still add local ones of every kind.
        adds = functools.partial(_add_local_hooks, plan, running)
        routes["before"].append(new_hook(adds, id="adds", kind="before", level="route"))
    version = version_of(_handler_call(plan, running), timeout_s=plan.timeout_s, **routes)
    return version, everywhere


def _add_local_hooks(plan: Plan, running: Running, *, lctx: LocalContext) -> None:
    for kind in ("before", "after", "catch"):
        for i, hook in plan.of(kind, "local"):
            add = {"before": lctx.before, "after": lctx.after, "catch": lctx.catch}[kind]
            add(hook_call(hook, i, running), timeout=LIMIT_S, retries=hook.retries,
                backoff=hook.backoff)  # fmt: skip


def hook_call(hook: PlannedHook, number: int, running: Running) -> Callable[..., Any]:
    """Return the function of a hook."""
    fails = ("raise",)

    def program(lctx: LocalContext) -> Program:
        attempt = attempt_of(lctx)
        if not is_again(lctx):
            running.ran.append(f"{hook.kind} {hook.level} {number}")
        return (*hook.program, fails) if attempt <= hook.fails else hook.program

    if hook.is_async:

        async def call(lctx: LocalContext, gctx: GlobalContext) -> None:
            await perform(program(lctx), lctx, gctx)

        return call

    def sync_call(lctx: LocalContext, gctx: GlobalContext) -> None:
        perform_now(program(lctx), lctx, gctx)

    return sync_call


def _handler_call(plan: Plan, running: Running) -> Callable[..., Any]:
    if plan.is_async:

        async def handle(lctx: LocalContext, gctx: GlobalContext) -> Any:
            if not is_again(lctx):
                running.ran.append("handler")
            return await perform(plan.handler, lctx, gctx)

        return handle

    def handle_now(lctx: LocalContext, gctx: GlobalContext) -> Any:
        if not is_again(lctx):
            running.ran.append("handler")
        return perform_now(plan.handler, lctx, gctx)

    return handle_now


async def perform(program: Program, lctx: LocalContext, gctx: GlobalContext) -> Any:
    """Do the steps; waits are awaited."""
    for step in program:
        waits = _step(step, lctx, gctx)
        if waits is not None:
            try:
                await waits
            except PlannedError:
                lctx.set("refused", step[1])
    return list(lctx.keys())


def perform_now(program: Program, lctx: LocalContext, gctx: GlobalContext) -> Any:
    """Do the steps in a thread, where waits block."""
    for step in program:
        try:
            _step(step, lctx, gctx)
        except PlannedError:
            if step[0] != "refuse":
                raise
            lctx.set("refused", step[1])
    return list(lctx.keys())


def _step(step: Step, lctx: LocalContext, gctx: GlobalContext) -> Any:
    match step:
        case ("sleep", s):
            return lctx.sleep(s)
        case ("ask", what, s):
            return gctx.modules.bench.ask(what, takes_s=s)
        case ("refuse", what):
            return gctx.modules.bench.refuse(what)
        case ("wait", s):
            return asyncio.sleep(s)
        case ("both", asked):
            return asyncio.gather(*[gctx.modules.bench.ask(w, s) for w, s in asked])
        case ("raise",):
            raise PlannedError
        case ("http", status):
            raise HttpError(status, "planned", "as planned")
        case _:
            _quiet_step(step, lctx, gctx)
            return None


def _quiet_step(step: Step, lctx: LocalContext, gctx: GlobalContext) -> None:  # noqa: C901, PLR0912 - a table of steps
    match step:
        case ("set", key, value):
            lctx.set(key, value)
        case ("delete", key):
            lctx.delete(key)
        case ("clean",):
            lctx.clean()
        case ("edit", key, value):
            _edit(lctx, key, value)
        case ("publish", topic, value):
            lctx.publish(topic, value)
        case ("snapshot",):
            if "s" not in snapshots_of(lctx):
                lctx.snapshot("s")
        case ("restore",):
            if "s" in snapshots_of(lctx):
                lctx.restore("s")
        case ("now",):
            lctx.set("now", lctx.now())
        case ("uuid",):
            lctx.set("uuid", lctx.uuid())
        case ("random",):
            lctx.set("random", lctx.random().random())
        case _:
            _ending_step(step, lctx, gctx)


def _edit(lctx: LocalContext, key: str, value: int) -> None:
    if isinstance(lctx.get(key), int | str | None):
        lctx.set(key, [])
    with lctx.edit(key) as draft:
        if isinstance(draft, list):
            draft.append(value)
        else:
            draft[str(value)] = value


def _ending_step(step: Step, lctx: LocalContext, gctx: GlobalContext) -> None:
    match step:
        case ("compensate", what):
            lctx.compensate(gctx.modules.bench.undo, what)
        case ("forget",):
            for registered in compensations_of(lctx)[:1]:
                lctx.cancel_compensation(registered)
        case ("cleanup", fails):
            lctx.on_cleanup(_fail if fails else _end)
        case _:
            raise ValueError(step)


def _fail() -> None:
    raise PlannedError


def _end() -> None:
    return None


def attempt_of(lctx: LocalContext) -> int:
    """Return the attempt of the hook that runs: what it does may depend on nothing else."""
    span = lctx._run.record.state.span
    return span.attempt if span else 1


def is_again(lctx: LocalContext) -> bool:
    """Say whether the request is being replayed: what it did is noted once."""
    return isinstance(lctx._run.loop, ReplayLoop)


def snapshots_of(lctx: LocalContext) -> Iterator[str] | tuple[str, ...]:
    return tuple(lctx._run.record.state.snapshots)


def compensations_of(lctx: LocalContext) -> list[str]:
    return list(lctx._run.record.state.compensations)


def all_async(plan: Plan) -> Plan:
    """Return the plan's twin in which everything is a coroutine function."""
    twins = tuple(replace(hook, is_async=True) for hook in plan.hooks)
    return replace(plan, hooks=twins, is_async=True)
