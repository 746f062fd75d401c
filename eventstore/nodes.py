"""The port of processes that serve from one log together: who lives, and what they share.

A *node* is such a process, from opening the log to its end; a *team* are nodes that can stand
in for each other. Whether a node is gone is decided once, and for good: from then on the log
takes nothing from it (`log-fenced`), so that others may end what it left open.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Census(msgspec.Struct, frozen=True):
    """The nodes of a log."""

    living: frozenset[str]
    gone: frozenset[str]
    """Those whose work nobody has ended yet."""


class Charge(msgspec.Struct, frozen=True):
    """What windows were before they were asked, in the order of the limits."""

    before: tuple[tuple[int, int], ...]
    """When each began, in µs, and how many it had let in; (0, 0) if there was none."""
    charged: bool
    """Whether each of them let one more in."""


class Nodes(Protocol):
    """The nodes of a log, as one of them sees them. Thread-safe; what asks the store blocks."""

    @property
    def me(self) -> str:
        """Id of this node."""
        ...

    @property
    def is_alive(self) -> bool:
        """Whether others must take this node for alive; asks nobody.

        False: it could not give a sign of life for as long as a lease, or it is gone.
        """
        ...

    @property
    def is_gone(self) -> bool:
        """Whether it was decided that this node is gone; asks nobody."""
        ...

    @property
    def holds(self) -> bool:
        """Whether this node holds the log; asks nobody."""
        ...

    @property
    def clock_off_us(self) -> int:
        """How far the clock of this process is off from the store's, at least; asks nobody.

        Above 0: it is ahead. Of the time that the last sign of life took nothing is known, so
        0 until one was given, and wherever that time explains the difference.
        """
        ...

    def census(self) -> Census:
        """Return the ids of all nodes, of any team.

        Whoever looks first at what nodes left behind and then at this finds each node
        living here that may still add to it.

        Raises:
            EventStoreError: the store cannot be asked.
        """
        ...

    def adopt(self) -> tuple[str, ...]:
        """Return gone nodes of this team whose work is to be ended here, and by nobody else.

        It stays so until they are buried or this node ends.

        Raises:
            EventStoreError: the store cannot be asked.
        """
        ...

    def bury(self, node: str) -> None:
        """Forget an adopted node: nothing of it is open any more.

        Raises:
            EventStoreError: the store cannot be asked.
        """
        ...

    def charge(
        self, key: str, now_us: int, limits: Sequence[tuple[int, int]], *, charging: bool
    ) -> Charge:
        """Let one more in if all windows of *key* do, in one round trip.

        Args:
            key: whose windows.
            now_us: when that one came.
            limits: how many each window lets in, and how long it lasts in µs.
            charging: False: only look.

        Raises:
            EventStoreError: the store cannot be asked.
        """
        ...
