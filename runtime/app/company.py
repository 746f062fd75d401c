"""Keeps an app in step with the other processes that serve from its log (SO-4, SO-5, TS-8).

It looks at the route table whether requests come or not, ends the work of nodes that are
gone, and lets nothing in while this process could be one of those.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from eventstore import Clock, EventStoreError, Nodes, Store, StreamId
from runtime.app.following import Following
from runtime.control.news import News
from runtime.delivery import Fabric
from runtime.effects import Workers
from runtime.ingress import Edge
from runtime.lifecycle.controller import Controller
from runtime.modules import ModuleRegistry

LOOK_S = 0.2
"""Between two looks at the table: what another process changes counts here within 250 ms."""
ADOPT_S = 1.0
"""Between two looks for nodes that are gone."""
_log = logging.getLogger("timescape")
EndWork = Callable[[tuple[str, ...]], Awaitable[object]]


class Company:
    """The other nodes, as far as an app has to do with them. On its event loop.

    Args:
        nodes: of the log.
        edge: of the app.
        clock: of the app.
        news: of the app's control stream.
        end_work: ends what gone nodes left behind.
    """

    @classmethod
    def of(
        cls,
        store: Store,
        edge: Edge,
        clock: Clock,
        controller: Controller,
        modules: ModuleRegistry,
        fabric: Fabric,
        stream: StreamId,
    ) -> "Company | None":
        """Return the company of an app; None: it is served by this process alone."""

        async def end_work(nodes: tuple[str, ...]) -> None:
            await controller.recover(modules, nodes)
            await fabric.end_of(nodes)

        if store.nodes is None:
            return None
        return cls(store.nodes, edge, clock, News(store, stream), end_work)

    def __init__(
        self, nodes: Nodes, edge: Edge, clock: Clock, news: News, end_work: EndWork
    ) -> None:
        self._nodes = nodes
        self._edge = edge
        self._clock = clock
        self._end_work = end_work
        self._workers = Workers("timescape-nodes", 1)
        self._tasks: list[asyncio.Task[None]] = []
        self.following = Following(nodes, news, self._workers)
        """What the others tell of themselves."""
        self.gone = asyncio.Event()
        """Set once others have taken over the work of this process: it is to be started anew."""

    @property
    def is_cut_off(self) -> bool:
        """Whether others may take over the work of this process, or did."""
        return not self._nodes.is_alive

    def begin(self) -> None:
        """Look from now on."""
        self._tasks = [
            asyncio.create_task(_again_and_again(self._look, LOOK_S)),
            asyncio.create_task(_again_and_again(self._adopt, ADOPT_S)),
        ]

    async def stop(self) -> None:
        """Look no more; what is adopted and not ended is left to others."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._workers.close()

    async def _look(self) -> None:
        cut_off = self.is_cut_off
        self._edge.suspend(cut_off=cut_off)
        if self._nodes.is_gone and not self.gone.is_set():
            _log.error("others took over: node=%s", self._nodes.me)
            self.gone.set()
        if not cut_off:
            await self._edge.board.look(self._clock())
            await self.following.look(self._edge.board.table.revision)

    async def _adopt(self) -> None:
        if self.is_cut_off:
            return
        await self.following.check()
        adopted: tuple[str, ...] = await self._workers.run(self._nodes.adopt)
        if not adopted:
            return
        _log.warning("ending the work of nodes that are gone: nodes=%s", ",".join(adopted))
        await self._end_work(adopted)
        for node in adopted:
            await self._workers.run(partial(self._nodes.bury, node))


async def _again_and_again(work: Callable[[], Coroutine[Any, Any, None]], pause_s: float) -> None:
    while True:
        try:
            await work()
        except EventStoreError as error:
            _log.warning("other nodes not seen: code=%s", error.code)
        except Exception:  # noqa: BLE001 - see below
            # Of a module that undoes something, or of ours: it must not end the looking.
            _log.exception("work of other nodes not ended")
        await asyncio.sleep(pause_s)
