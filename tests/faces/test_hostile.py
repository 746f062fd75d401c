"""Whatever is sent, the answer is one the specification names, and the next caller is served.

`make hostile` sends 10,000 and bounds what each may cost; here it is a part of them.
"""

import asyncio
import os
import time
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from runtime import App
from runtime.testing import FakeClock, SeededIds, VirtualLoop
from tests.faces.asgi import Reply, ask, exchange, facts_of, memory_store
from tests.faces.hostile import CODES, MAKERS, Hostile, hostile, shop

NUMBER = int(os.environ.get("TIMESCAPE_HOSTILE", "300"))
MEASURED = NUMBER >= 1_000
CPU_S = 0.250
MEMORY = 64 * 1024 * 1024
SEED = 20_261_011


def check(store: Any, sent: Hostile, reply: Reply) -> str:
    """Hold an answer against what the specification names; return its code."""
    if reply.status < 400:
        assert reply.status in {200, 204}, sent
        return ""
    if sent.scope["method"] == "HEAD":
        return ""
    assert reply.code in CODES.get(reply.status, ()), (reply.status, reply.body[:300], sent)
    assert reply.json["instance"] == reply.request_id
    facts = facts_of(store, reply)
    assert not facts or facts[-1].type == "response.sent"
    return str(reply.code)


async def normal(app: App) -> None:
    good = await ask(app, "POST", "/baskets/7", {"names": ["tea"], "total": "1.50"})
    assert (good.status, good.json) == (200, 7)


async def send(app: App, store: Any, sent: Sequence[Hostile]) -> Counter[str]:
    seen: Counter[str] = Counter()
    for n, each in enumerate(sent):
        began_s = time.process_time()
        reply = await exchange(app, each.scope, each.pieces)
        took_s = time.process_time() - began_s
        seen[check(store, each, reply)] += 1
        if MEASURED:
            assert took_s <= CPU_S, (each.kind, took_s, each.pieces[:1][:200])
            if n % 10 == 0:
                await bounded(app, each)
        if n % 50 == 0:
            await normal(app)
    return seen


async def bounded(app: App, each: Hostile) -> None:
    """Send it again and watch what it allocates at most."""
    tracemalloc.start()
    try:
        await exchange(app, each.scope, each.pieces)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= MEMORY, (each.kind, peak, each.pieces[:1][:200])


@pytest.mark.proves("IN-1", "IN-2", "IN-4", "IN-5", "IN-8", "GT-20", "RS-1")
@pytest.mark.parametrize("part", range(4))
def test_hostile_requests_get_a_named_answer_and_the_next_one_is_served(part: int) -> None:
    async def scenario() -> Counter[str]:
        app, store = shop(), memory_store()
        app.start(store, clock=FakeClock(), ids=SeededIds(part))
        try:
            return await send(app, store, hostile(SEED + part, NUMBER // 4))
        finally:
            await app.stop()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        seen = runner.run(scenario())

    assert seen.total() == NUMBER // 4
    # The kinds do reach what they are made for.
    assert {"bad-path", "too-complex", "validation-failed", "credentials-invalid"} <= set(seen)


def test_each_kind_is_among_them() -> None:
    assert {each.kind for each in hostile(SEED, len(MAKERS))} == {
        "target", "method", "head", "host", "framing", "credentials", "selector", "shape", "value",
        "media", "other", "key", "gone", "flood",
    }  # fmt: skip
