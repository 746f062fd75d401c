"""Follows what other processes tell of themselves in the control stream of the app (SO-5).

Codes that they have, versions that do badly there, gates that are armed there: known here within
250 ms, and forgotten once the process that said so does not live any more.
"""

from collections.abc import Callable
from functools import partial

from eventstore import Nodes
from runtime.control.news import News
from runtime.effects import Workers
from runtime.team import Team

Listener = Callable[[Team], object]


class Following:
    """See the module's words. Used on the app's event loop.

    Args:
        nodes: of the log.
        news: of the control stream, none of which was read.
        workers: a thread to read in.
    """

    def __init__(self, nodes: Nodes, news: News, workers: Workers) -> None:
        self._nodes = nodes
        self._news = news
        self._workers = workers
        self._team = Team()
        self._listeners: list[Listener] = []
        self.settle: Callable[[frozenset[str]], None] | None = None
        """Called in a thread with the ids of the versions that others have the code of."""

    def listen(self, listener: Listener) -> None:
        """Tell *listener* what is known, once it is, and whenever that may have changed."""
        self._listeners.append(listener)
        if self._news.revision:
            listener(self._team)

    async def look(self, revision: int) -> None:
        """Read on, if the control stream is at *revision* now.

        Raises:
            EventStoreError: it cannot be read.
        """
        if revision > self._news.revision:
            told = [self._team.add(event) for event in await self._workers.run(self._news.read)]
            if any(told):
                await self.check()

    async def check(self) -> None:
        """Forget who does not live any more, and tell all who listen.

        Raises:
            EventStoreError: the nodes cannot be asked.
        """
        if not self._news.revision:
            return
        census = await self._workers.run(self._nodes.census)
        self._team.forget(census.living)
        for listener in self._listeners:
            listener(self._team)
        if self.settle is not None:
            await self._workers.run(partial(self.settle, self._team.code(but=self._nodes.me)))
