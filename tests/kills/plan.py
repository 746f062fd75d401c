"""What a process that will be killed appends: all of it known beforehand, from a seed."""

import random
from functools import lru_cache
from uuid import UUID

import msgspec

from eventstore import NewEvent, Store, StreamId, Ticket, uuid7
from eventstore.testing import Counted, Placed, several
from eventstore.testing.fakes import START_US

ROUNDS = 12
MANY = 300
"""Events of a commit of two rows."""


class Commit(msgspec.Struct, frozen=True):
    """One append."""

    number: int
    stream: int
    first: int
    """Revision of its first event."""
    count: int
    seed: int

    @property
    def stream_id(self) -> StreamId:
        return StreamId(_id(self.seed << 24 | self.stream))

    @property
    def commit_id(self) -> bytes:
        return _id(self.seed << 24 | 1 << 20 | self.number).bytes

    @property
    def last(self) -> int:
        return self.first + self.count - 1

    @property
    def events(self) -> list[NewEvent]:
        return _events(self.count, self.seed * 1_000_000 + self.number * 1_000)

    def sent_to(self, store: Store) -> Ticket:
        """Append it, or append it again."""
        return store.append(
            self.stream_id,
            self.events,
            kind="order",
            expected=self.first - 1,
            commit_id=self.commit_id,
        )


@lru_cache(1_000)  # asked for again and again, of one plan at a time
def _events(count: int, first: int) -> list[NewEvent]:
    return several(count, first)


@lru_cache(10_000)
def _id(number: int) -> UUID:
    return uuid7(START_US // 1_000, number.to_bytes(10, "big"))


def rounds_of(seed: int, count: int) -> list[list[Commit]]:
    """Plan *count* rounds of commits that are on their way together."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    heads: dict[int, int] = {}
    rounds: list[list[Commit]] = []
    number = 0
    for _ in range(count):
        together = []
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            stream = chance.randrange(6)
            # Whatever is drawn, each plan has a commit of two rows, and a fold that is kept.
            size = chance.choice((1, 2, 5, 30, MANY)) if number else MANY
            head = heads.get(stream, 0)
            together.append(Commit(number, stream, head + 1, size, seed))
            heads[stream] = head + size
            number += 1
        rounds.append(together)
    return rounds


def commits_of(seed: int) -> list[Commit]:
    """Give all commits of a plan in order."""
    return [commit for together in rounds_of(seed, ROUNDS) for commit in together]


def closed_streams(seed: int) -> list[tuple[StreamId, list[NewEvent]]]:
    """Plan streams that are closed at once: six short ones and one of two rows."""
    return [
        (StreamId(_id(seed << 24 | 1 << 19 | n)), several(MANY if n == 6 else 3, n * 1_000))
        for n in range(7)
    ]


def folded(commits: list[Commit]) -> Counted:
    """Add up what *commits* of one stream should fold to, without any fold of ours."""
    events = [event for commit in commits for event in commit.events]
    quantity = sum(event.data.quantity for event in events if isinstance(event.data, Placed))
    return Counted(len(events), quantity, "".join(str(event.key) for event in events)[-100:])
