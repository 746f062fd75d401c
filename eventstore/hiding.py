"""Take what must not be in the log out of the events of a commit, as their marks say (GT-19)."""

from collections.abc import Sequence
from functools import partial

import msgspec

from eventstore.codec.hiding import with_hidden
from eventstore.events import NewEvent
from eventstore.identifiers import StreamId
from eventstore.keyring import Origin, keyring_missing
from eventstore.redaction import MARK
from eventstore.subjects import Subjects
from eventstore.values import Hidden, ToDrop, ToSeal, Tree


class Hiding:
    """One commit.

    Args:
        subjects: has the keys; None: what would need one is refused.
        stream: that the commit is for.
        commit_id: of it.
        again: whether the append may be sent again; then its bytes must be the same.
    """

    def __init__(
        self, subjects: Subjects | None, stream: StreamId, commit_id: bytes, *, again: bool
    ) -> None:
        self._subjects = subjects
        self._stream = stream
        self._commit_id = commit_id
        self._again = again
        self._keys: dict[str, tuple[int, bytes]] = {}

    def events(self, events: Sequence[NewEvent]) -> list[NewEvent]:
        """Return *events* with all `Hidden` in them replaced by what may be kept.

        Raises:
            EventStoreError: `keyring-missing`.
        """
        return [self._event(index, event) for index, event in enumerate(events)]

    def _event(self, index: int, event: NewEvent) -> NewEvent:
        data = with_hidden(event.data, partial(self._kept, index))
        return event if data is event.data else msgspec.structs.replace(event, data=data)

    def _kept(self, index: int, value: Hidden, pointer: str) -> Tree:
        if isinstance(value, ToDrop):
            return MARK
        subjects = self._subjects
        if subjects is None:
            who = "A value that is to be sealed or hashed"
            raise keyring_missing(who)
        if not isinstance(value, ToSeal):
            return subjects.hashed(value.tree)
        key = self._keys.get(value.subject)
        if key is None:
            key = self._keys[value.subject] = subjects.key_for(value.subject)
        origin = Origin(self._stream, self._commit_id, index, pointer)
        return subjects.sealed(value.tree, key, origin, again=self._again)
