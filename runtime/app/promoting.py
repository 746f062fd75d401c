"""Makes current what can be run, where no process has the code of what is (DP-2, SO-5).

A version that breaks callers is held while other processes have the code those callers get. When
the last of them is gone nobody can serve them any more, and holding it would help nobody.
"""

import logging
from collections.abc import Collection

from eventstore import Clock, EventStoreError
from runtime.control import Versions
from runtime.control.board import Board
from runtime.errors import RoutesError
from runtime.timescape.stranded import stranded

_log = logging.getLogger("timescape")


class Promoting:
    """See the module's words.

    Args:
        board: of the app.
        desk: changes versions.
        here: ids of the versions that this process has the code of.
        clock: of the app.
    """

    def __init__(self, board: Board, desk: Versions, here: Collection[str], clock: Clock) -> None:
        self._board = board
        self._desk = desk
        self._here = here
        self._clock = clock

    def look(self, elsewhere: Collection[str]) -> None:
        """Promote what has to be; blocks.

        Args:
            elsewhere: ids of the versions that other living processes have the code of.
        """
        for version in stranded(self._board.table, self._here, elsewhere, self._clock()):
            try:
                self._desk.promote(version, by="timescape")
            except (EventStoreError, RoutesError) as error:
                _log.warning("version not promoted: version=%s code=%s", version, error.code)
            else:
                _log.warning("no process has the code before it: promoted=%s", version)
