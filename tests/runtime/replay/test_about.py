"""LC-13: what a context knows of its request comes from facts, so it is the same again."""

import asyncio
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import NewEvent
from runtime import App, LocalContext
from runtime.errors import ContextClosedError
from runtime.gate_facts import GateHit, GateReleased
from runtime.lifecycle.about import held
from runtime.replay import reexecute
from tests.faces.asgi import ask, facts_of, memory_store


@pytest.mark.proves("LC-13", "RX-3", "LC-9", "EF-7")
def test_what_a_request_knows_of_itself_by_the_machines_clock_is_known_again() -> None:
    """Seen to fail with the time that is left by the loop, and with the source as it was asked."""
    kept: list[LocalContext] = []
    app = App("about")

    @app.handler("GET /")
    async def tell(lctx: LocalContext) -> float:
        kept.append(lctx)
        await asyncio.sleep(0.01)
        lctx.set("left", lctx.remaining())
        lctx.set("by", [lctx.resolved_by, lctx.phase, lctx.version, lctx.is_timed_out])
        lctx.set("until", [lctx.deadline, *map(str, dict(lctx.meta).values())])
        return lctx.remaining()

    async def serve() -> Any:
        store = memory_store()
        app.start(store)
        await app.begin()
        reply = await ask(app, "GET", "/")
        await app.stop()
        return store, facts_of(store, reply)

    store, facts = asyncio.run(serve())

    assert reexecute(app, store, facts[0].stream).divergence is None
    resolved = next(each.data for each in facts if each.type == "version.resolved")
    by = next(each.data.value for each in facts if each.key == "by")
    assert by[0] == resolved.source == "latest"
    with pytest.raises(ContextClosedError):
        kept[0].remaining()


@pytest.mark.proves("LC-13", "RX-9")
@given(
    holds=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), max_size=4),
    now=st.integers(0, 50),
)
def test_time_that_gates_took_is_counted_once(holds: list[tuple[int, int]], now: int) -> None:
    """The oracle counts each µs that lies in any of them."""
    points: list[tuple[int, int, Any]] = []
    for start, lasts in holds:
        points.append((start, 0, GateHit("p", paused=True)))
        points.append((start + lasts, 1, GateReleased(1, "resumed", "ann", 0.0)))
    points = sorted((each for each in points if each[0] <= now), key=lambda each: each[:2])
    events = [NewEvent(fact.type, fact, "g", at) for at, _, fact in points]
    events.append(NewEvent("gate.hit", GateHit("p", paused=False), "g", now))

    inside = {at for start, lasts in holds for at in range(start, start + lasts) if at < now}
    event(f"held: {bool(inside)}")
    assert held(events) == len(inside)
