"""What only a store in a file can do, refused by one in memory."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from eventstore import refusals
from eventstore.events import Archived, Exported, Pruned
from eventstore.identifiers import StreamId


class WithoutFiles:
    """The part of a store in memory that would need files. See `eventstore.store.Store`."""

    def archive(
        self,
        *,
        older_than: timedelta | None = None,
        kinds: Sequence[str] = (),
        streams: Sequence[StreamId] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Archived:
        raise refusals.not_in_memory("archive")

    def prune(
        self,
        *,
        by: str,
        reason: str,
        older_than: timedelta | None = None,
        kinds: Sequence[str] = (),
        streams: Sequence[StreamId] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Pruned:
        raise refusals.not_in_memory("prune")

    def export(
        self,
        path: str,
        *,
        streams: Sequence[StreamId] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Exported:
        raise refusals.not_in_memory("export")
