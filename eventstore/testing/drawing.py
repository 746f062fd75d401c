"""What the machine appends: streams, kinds, events, commits. Needs Hypothesis."""

import hypothesis.strategies as st
import msgspec

from eventstore.events import Commit, NewEvent
from eventstore.identifiers import StreamId
from eventstore.store import Store
from eventstore.testing.fakes import START_US, Placed, stream

STREAMS = [stream(number) for number in range(6)]
KINDS = ("order", "ledger", "short")
IDS = [bytes([number]) * 16 for number in range(4)]

streams = st.sampled_from(STREAMS)
few = st.sampled_from(STREAMS[:3])
sites = st.none() | st.sampled_from(["shop.py:1", "shop.py:2", "cart.py:3"])
times = st.integers(START_US - 10, START_US + 10)
keys = st.none() | st.text("aä\x1b", min_size=1, max_size=3)
known = st.builds(
    NewEvent,
    st.just("order.placed"),
    st.builds(Placed, st.text(max_size=3), st.integers(0, 9)),
    keys,
    times,
    sites,
)
unknown = st.builds(
    NewEvent,
    st.sampled_from(["order.noted", "order.sent"]),
    st.none() | st.integers() | st.lists(st.text(max_size=2), max_size=2),
    keys,
    times,
    sites,
)
small = st.lists(known | unknown, min_size=0, max_size=4)
large = st.builds(
    lambda event, count: [event] * count, known, st.sampled_from([255, 256, 257, 600])
)
batches = st.one_of(small, small, small, small, large)


class Sent(msgspec.Struct, frozen=True):
    """A commit that can be sent again."""

    stream: StreamId
    kind: str
    events: list[NewEvent]
    expected: int
    commit_id: bytes | None
    close: bool

    def to(self, store: Store) -> Commit:
        """Append it to *store*."""
        return store.append(
            self.stream,
            self.events,
            kind=self.kind,
            expected=self.expected,
            commit_id=self.commit_id,
            close=self.close,
        ).result()
