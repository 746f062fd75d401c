"""P25: order is global, route, local; after and catch the exact reverse."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.errors import HookPhaseClosedError
from runtime.lifecycle.handlers import Hook
from runtime.lifecycle.local_context import LocalContext
from runtime.lifecycle.registering import new_hook
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled, Told

LEVELS = ("global", "route", "local")
KINDS = ("before", "after", "catch")
# Level, kind, and what it registers itself: kinds of local hooks.
drawn_hooks = st.tuples(
    st.sampled_from(LEVELS), st.sampled_from(KINDS), st.lists(st.sampled_from(KINDS), max_size=2)
)


class Scene:
    """Hooks that note when they run, and add local ones when told to."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.late: list[str] = []
        self.added: list[tuple[str, str]] = []
        """Kind and name of each local hook, in order of registration."""

    def call(self, name: str, adds: list[str]) -> Callable[..., Any]:
        def hook(lctx: LocalContext) -> None:
            self.ran.append(name)
            for number, kind in enumerate(adds):
                self.add(lctx, kind, f"{name}>{kind}{number}", [])

        return hook

    def add(self, lctx: LocalContext, kind: str, name: str, adds: list[str]) -> None:
        add = {"before": lctx.before, "after": lctx.after, "catch": lctx.catch}[kind]
        try:
            add(self.call(name, adds))
        except HookPhaseClosedError:
            self.late.append(name)
        else:
            self.added.append((kind, name))


def run_scene(hooks: list[tuple[str, str, list[str]]], *, fails: bool) -> tuple[Scene, Told]:
    scene = Scene()
    made: dict[tuple[str, str], list[Hook]] = {}
    for i, (level, kind, adds) in enumerate(hooks):
        if level != "local":
            hook = new_hook(scene.call(str(i), adds), id=str(i), kind=kind, level=level)
            made.setdefault((level, kind), []).append(hook)

    def opens(lctx: LocalContext) -> None:
        for i, (level, kind, adds) in enumerate(hooks):
            if level == "local":
                scene.add(lctx, kind, str(i), adds)

    first = new_hook(opens, id="opens", kind="before", level="global")

    async def handle() -> None:
        if fails:
            raise ValueError

    own: dict[str, Any] = {kind: made.get(("route", kind), ()) for kind in KINDS}
    version = version_of(handle, **own)
    everywhere: dict[str, Any] = {kind: made.get(("global", kind), ()) for kind in KINDS}
    everywhere["before"] = (first, *everywhere["before"])
    harness = Controlled(version, replayed=False, **everywhere)
    told = run_virtual(harness.send())
    harness.controller.close()
    return scene, told


def simulate(
    hooks: list[tuple[str, str, list[str]]], *, fails: bool
) -> tuple[list[str], list[str]]:
    """Work out by the rules alone which hooks run, in order, and which come too late."""
    ran: list[str] = []
    late: list[str] = []
    local: dict[str, list[tuple[str, list[str]]]] = {kind: [] for kind in KINDS}
    closed: set[str] = set()

    def runs(name: str, adds: list[str]) -> None:
        ran.append(name)
        for number, kind in enumerate(adds):
            new = f"{name}>{kind}{number}"
            if kind in closed:
                late.append(new)
            else:
                local[kind].append((new, []))

    for i, (level, kind, adds) in enumerate(hooks):
        if level == "local":
            local[kind].append((str(i), adds))
    here = {
        place: [(str(i), adds) for i, (*at, adds) in enumerate(hooks) if tuple(at) == place]
        for place in itertools.product(LEVELS, KINDS)
    }
    for name, adds in here["global", "before"] + here["route", "before"]:
        runs(name, adds)
    for kind in ("before", "catch" if fails else "after"):
        closed.add(kind)
        levels = [local[kind], here["route", kind], here["global", kind]]
        backwards = [each for level in levels for each in reversed(level)]
        for name, adds in local["before"] if kind == "before" else backwards:
            runs(name, adds)
    return ran, late


@pytest.mark.proves("P25", "HO-3", "HO-5")
@given(hooks=st.lists(drawn_hooks, max_size=8), fails=st.booleans())
def test_p25_hooks_run_in_the_order_of_the_rules(
    hooks: list[tuple[str, str, list[str]]], *, fails: bool
) -> None:
    """Seen to fail with the local hooks after those of the route in the way back."""
    scene, told = run_scene(hooks, fails=fails)
    ran, late = simulate(hooks, fails=fails)
    event(f"fails {fails}, late {bool(late)}")

    assert scene.ran == ran
    assert scene.late == late
    started = [fact for fact in told.facts if fact.type == "hook.started"]
    assert len(started) == len(ran) + 1
    assert sum(t == "hook.registered" for t in told.types) == len(scene.added)


@pytest.mark.proves("P25", "HO-3")
def test_one_hook_of_each_sort_runs_in_this_order() -> None:
    hooks = [(level, kind, list[str]()) for kind in KINDS for level in LEVELS]
    well, _ = run_scene(hooks, fails=False)
    failed, _ = run_scene(hooks, fails=True)

    assert well.ran == ["0", "1", "2", "5", "4", "3"]
    assert failed.ran == ["0", "1", "2", "8", "7", "6"]


@pytest.mark.proves("HO-5")
def test_a_before_hook_added_by_the_handler_is_too_late() -> None:
    def handle(lctx: LocalContext) -> str:
        with pytest.raises(HookPhaseClosedError, match="before"):
            lctx.before(lambda: None)
        return lctx.after(lambda: None)

    told = run_virtual(Controlled(version_of(handle)).send())

    assert told.json.startswith("tests/laws/test_p25_order.py:")
    assert told.json.endswith("#1")
    assert told.types.count("hook.started") == 1
