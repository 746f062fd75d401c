"""What recording adds to a request, without HTTP: controller and log against the bare handler.

Both run in one event loop, 32 at a time, as a server runs them. Processor time of the whole
process is measured, the log's thread included: the disk's pace is not the subject.
"""

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from eventstore import Store, StreamId
from eventstore.sql import open_store
from runtime.context import REQUEST, REQUEST_REDUCER, registry
from runtime.effects import SystemIds, system_clock
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.local_context import LocalContext
from runtime.messages import Request
from tests.benchmarks.measure import RUNS, Row, tell
from tests.builders import received, version_of

REQUESTS = 4_000
AT_ONCE = 32
FACTS = 12
ALLOWED_US = 60.0
BODY = b'{"customer":"ann","quantity":3}'


async def place(req: Request[Any], lctx: Any) -> dict[str, int]:
    """Write four values and answer."""
    total = req.body["quantity"] * 7
    lctx.set("customer", req.body["customer"])
    lctx.set("quantity", req.body["quantity"])
    lctx.set("total", total)
    lctx.set("paid", False)  # noqa: FBT003 - the value
    return {"total": total}


class Bare:
    """Stands for a context where nothing is recorded."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def set(self, key: str, value: object) -> None:
        self.values[key] = value


VERSION = version_of(place)


def rows() -> list[Row]:
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("TIMESCAPE_BENCH_DIR")) as folder,
        open_store(
            f"sqlite:///{Path(folder) / 'recording.db'}",
            durability="process",
            registry=registry(),
            clock=system_clock,
            ids=SystemIds(),
            keyframes={REQUEST.name: REQUEST_REDUCER},
        ) as store,
    ):
        pairs = uvloop.run(_rounds(store))
    added = [ours - bare for ours, bare in pairs]
    return [
        Row(
            f"a request of {FACTS} facts in process: what recording adds",
            "the bare handler",
            "µs",
            statistics.median(added),
            statistics.median(bare for _, bare in pairs),
            statistics.median(ours / bare for ours, bare in pairs),
            min(added),
            max(added),
            limit=ALLOWED_US,
            note="processor time; ours is the difference",
        )
    ]


async def _rounds(store: Store) -> list[tuple[float, float]]:
    ids = SystemIds()
    controller = Controller(
        store, clock=system_clock, ids=ids, gctx=GlobalContext(), tripwire="off"
    )
    pairs = []
    for number in range(RUNS + 1):
        tell(f"recording in process: round {number} of {RUNS}")
        pairs.append((await _each_us(_recorded, controller, ids), await _each_us(_bare, None, ids)))
    stream = store.read_log(kinds=[REQUEST.name], limit=1)[0].stream
    facts = len(list(store.read(stream)))
    if facts != FACTS:
        msg = f"The measured request leaves {facts} facts, not {FACTS}."
        raise AssertionError(msg)
    controller.close()
    return pairs[1:]


async def _each_us(work: Any, controller: Controller | None, ids: SystemIds) -> float:
    began = time.process_time()
    for _ in range(REQUESTS // AT_ONCE):
        await asyncio.gather(*[work(controller, ids) for _ in range(AT_ONCE)])
    return (time.process_time() - began) / REQUESTS * 1e6


async def _recorded(controller: Controller, ids: SystemIds) -> bytes:
    now_us = system_clock()
    message = received(StreamId(ids.uuid7(now_us)), now_us, body=BODY)
    return (await controller.run(message, VERSION)).body


async def _bare(_: None, ids: SystemIds) -> bytes:
    now_us = system_clock()
    message = received(StreamId(ids.uuid7(now_us)), now_us, body=BODY)
    context: LocalContext | Bare = Bare()
    return VERSION.render(await place(VERSION.parse(message), context))
