"""What is done to a store, not asked of it: taken out, moved away, brought along."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from debugger.errors import WriteRefusedError
from eventstore import (
    Archived,
    Erasure,
    Exported,
    Pruned,
    Redaction,
    Store,
    StreamId,
)

KIND = "request"


class Upkeep:
    """The part of a session that changes its store. See there."""

    def __init__(self, store: Store, write: Callable[[], Store] | None) -> None:
        self.store = store
        self._write = write

    @property
    def read_only(self) -> bool:
        """Whether all that writes is refused."""
        return self._write is None

    def _may_write(self) -> Callable[[], Store]:
        if self._write is None:
            problem = f"{self.store.url} is open for reading only."
            raise WriteRefusedError(problem, "Open it without `--read-only`.")
        return self._write

    @contextmanager
    def writing(self, write: Callable[[], Store] | None = None) -> Iterator[Store]:
        """Open the store to be written, for as long as the block takes.

        Raises:
            WriteRefusedError: the session is read-only.
        """
        writer = (write or self._may_write())()
        try:
            yield writer
        finally:
            if writer is not self.store:
                writer.close()

    def redact(
        self, stream: StreamId, revision: int, pointers: Sequence[str], *, by: str, reason: str
    ) -> Redaction:
        """Take values out of fact *revision* of a request, for good.

        Raises:
            WriteRefusedError: the session is read-only.
            EventStoreError: `no-such-revision`, `no-such-value`, `cannot-redact`.
        """
        with self.writing() as writer:
            return writer.redact(stream, revision, pointers, by=by, reason=reason)

    def archive(
        self,
        streams: Sequence[StreamId],
        older_than: timedelta | None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Archived:
        """Move requests that have ended into files beside the store.

        Raises:
            WriteRefusedError: the session is read-only.
            EventStoreError: `cannot-archive`, `has-forks`, `store-busy` and others.
        """
        with self.writing() as writer:
            return writer.archive(
                streams=streams, older_than=older_than, kinds=[KIND], progress=progress
            )

    def prune(
        self,
        streams: Sequence[StreamId],
        older_than: timedelta | None,
        progress: Callable[[int, int], None] | None = None,
        *,
        by: str,
        reason: str,
    ) -> Pruned:
        """Drop requests that have ended, for good.

        Raises:
            WriteRefusedError: the session is read-only.
            EventStoreError: as `archive`.
        """
        with self.writing() as writer:
            return writer.prune(
                streams=streams, older_than=older_than, kinds=[KIND], by=by, reason=reason,
                progress=progress,
            )  # fmt: skip

    def export(
        self,
        path: str,
        streams: Sequence[StreamId],
        progress: Callable[[int, int], None] | None = None,
    ) -> Exported:
        """Write requests, or the whole log, to one file that verifies by itself.

        Raises:
            EventStoreError: `file-exists`, `read-only`, `segment-missing` and others.
        """
        return self.store.export(path, streams=streams, progress=progress)

    def erase(self, subject: str, *, by: str, reason: str) -> Erasure:
        """Destroy the key of *subject*: what is sealed for them is forgotten.

        Raises:
            WriteRefusedError: the session is read-only.
            EventStoreError: `no-such-subject`, `keyring-missing`.
        """
        with self.writing() as writer:
            return writer.erase(subject, by=by, reason=reason)

    def rewrap(self, new_master: bytes, progress: Callable[[int, int], None] | None = None) -> int:
        """Wrap all keys of persons by *new_master*; return how many another one wrapped.

        Raises:
            WriteRefusedError: the session is read-only.
            EventStoreError: `wrong-master`, `keyring-missing`.
        """
        with self.writing() as writer:
            return writer.rewrap(new_master, progress)
