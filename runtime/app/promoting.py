"""Makes current what can be run, where no process has the code of what is (DP-2, SO-5).

A version that breaks callers is held while other processes have the code those callers get. When
the last of them is gone nobody can serve them any more, and holding it would help nobody.
"""

import asyncio
import logging
from collections.abc import Collection
from functools import partial

from eventstore import Clock, EventStoreError
from runtime.control import Versions
from runtime.control.board import Board
from runtime.errors import RoutesError
from runtime.team import Team
from runtime.timescape.stranded import stranded

_log = logging.getLogger("timescape")


class Promoting:
    """See the module's words. On the app's event loop.

    Args:
        board: of the app.
        desk: changes versions.
        here: ids of the versions that this process has the code of.
        me: this process.
        clock: of the app.
    """

    def __init__(
        self, board: Board, desk: Versions, here: Collection[str], me: str, clock: Clock
    ) -> None:
        self._board = board
        self._desk = desk
        self._here = here
        self._me = me
        self._clock = clock
        self._work: asyncio.Task[None] | None = None

    def look(self, team: Team) -> None:
        """Promote what has to be, now that this is known of the others."""
        if self._work is not None and not self._work.done():
            return
        elsewhere = team.code(but=self._me)
        found = stranded(self._board.table, self._here, elsewhere, self._clock())
        if found:
            self._work = asyncio.create_task(self._promote(found))

    async def _promote(self, versions: Collection[str]) -> None:
        for version in versions:
            try:
                await asyncio.to_thread(partial(self._desk.promote, version, by="timescape"))
            except (EventStoreError, RoutesError) as error:
                _log.warning("version not promoted: version=%s code=%s", version, error.code)
            else:
                _log.warning("no process has the code before it: promoted=%s", version)
