"""Two stores in lockstep: the same calls must get the same answers and leave the same rows.

The memory store is the model. The subject also closes and opens again, and takes appends
from a guest beside the holder; the model knows of neither, but for the fact that the log
was held anew. Needs Hypothesis.
"""

from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import msgspec
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from eventstore.errors import EventStoreError
from eventstore.events import ANY, NEW, Commit, Event, NewEvent, Redaction, Row, Verdict
from eventstore.identifiers import Position, Revision, StreamId
from eventstore.memory import MemoryStore
from eventstore.names import REGISTERED
from eventstore.store import Store
from eventstore.testing.claims import equal
from eventstore.testing.drawing import IDS, KINDS, Sent, batches, few, streams
from eventstore.testing.fakes import (
    START_US,
    CountingReducer,
    FakeClock,
    FakeIds,
    Placed,
    registry,
)


class StoresAgree(RuleBasedStateMachine):
    """Subclass it and give `open_subject` and `close_subject`."""

    redacts = True
    """Whether the subject can seal and redact."""
    gone = True
    """Whether its files hold no redacted value from then on."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock(step_us=0)
        self.model = MemoryStore(registry(), self.clock, FakeIds())
        self.ids = FakeIds()
        self.subject: Store = self.open_subject("hold")
        self.guest: Store | None = None
        self.guest_appends = False
        self.sent: list[Sent] = []
        # A guest gives new names other numbers, and whoever finds that the log went on
        # takes ids again: chain values and commit ids differ from then on.
        self.exact = True

    def open_subject(self, mode: str) -> Store:
        """Open the store that is held against the model, with `self.clock` and `self.ids`."""
        raise NotImplementedError

    def remove_subject(self) -> None:
        """Delete what `open_subject` left on the disk."""

    @rule(
        name=streams,
        events=batches,
        kind=st.sampled_from(("order",) * 6 + KINDS),
        guess=st.sampled_from([NEW, ANY, ANY, 1, 2, 3]) | st.just("head"),
        commit_id=st.none() | st.sampled_from(IDS),
        close=st.sampled_from([False] * 9 + [True]),
    )
    def append(
        self,
        name: StreamId,
        events: list[NewEvent],
        kind: str,
        guess: int | str,
        commit_id: bytes | None,
        *,
        close: bool,
    ) -> None:
        """Append with right and wrong guesses, repeated ids, wrong kinds, to closed streams."""
        expected = self.model.head(name).revision if isinstance(guess, str) else guess
        if kind == "short":
            # Refused for its length after its new names got numbers, an append leaves
            # those to the next one: the model would have to know who that is.
            events = [event for event in events if event.type == "order.placed" and not event.site]
        self._agree(
            lambda store: store.append(
                name, events, kind=kind, expected=expected, commit_id=commit_id, close=close
            ).result()
        )

    @rule(
        name=few,
        kind=st.sampled_from(["order", "order", "order", "ledger"]),
        events=batches,
        given=st.booleans(),
        then=st.sampled_from(["", "", "", "same", "more"]),
        close=st.sampled_from([False] * 5 + [True]),
    )
    def go_on(
        self,
        name: StreamId,
        kind: str,
        events: list[NewEvent],
        then: str,
        *,
        given: bool,
        close: bool,
    ) -> None:
        """Append where a stream ends, as most do; then perhaps as if there was no answer."""
        commit_id = (len(self.sent) + 100).to_bytes(16, "big") if given else None
        head = self.model.head(name).revision
        self.sent.append(Sent(name, kind, events, head, commit_id, close))
        self._agree(self.sent[-1].to)
        if then:
            self.again(0, more=then == "more")

    @precondition(lambda self: self.sent)
    @rule(number=st.integers(0, 3), more=st.sampled_from([False, False, True]))
    def send_again(self, number: int, *, more: bool) -> None:
        """Send one of the last commits again, as it was or with an event more."""
        self.again(number, more=more)

    def again(self, number: int, *, more: bool) -> None:
        """Send what was sent *number* commits ago."""
        sent = self.sent[-1 - number % len(self.sent)]
        if more:
            events = [*sent.events, NewEvent("order.sent", None, at_us=START_US)]
            sent = msgspec.structs.replace(sent, events=events)
        self._agree(sent.to)

    @rule(
        name=streams,
        parent=streams,
        revision=st.integers(0, 5),
        events=batches,
        commit_id=st.none() | st.sampled_from(IDS),
    )
    def fork(
        self,
        name: StreamId,
        parent: StreamId,
        revision: int,
        events: list[NewEvent],
        commit_id: bytes | None,
    ) -> None:
        """Fork streams that are there and that are not."""
        self._agree(
            lambda store: store.append(
                name,
                events,
                kind="order",
                expected=NEW,
                commit_id=commit_id,
                parent=(parent, Revision(revision)),
            ).result()
        )

    @rule(name=streams, count=st.integers(2, 5))
    def race(self, name: StreamId, count: int) -> None:
        """Send several appends before the first is answered; all think they are first."""
        head = self.model.head(name).revision
        event = NewEvent("order.placed", Placed("race", count), at_us=START_US)

        def send(store: Store) -> list[object]:
            tickets = [
                store.append(name, [event], kind="order", expected=head) for _ in range(count)
            ]
            return [outcome(ticket.result, exact=self.exact) for ticket in tickets]

        self._agree(send)

    @rule(by_us=st.integers(-5_000, 5_000))
    def tick(self, by_us: int) -> None:
        """Let time pass, or the clock step back."""
        self.clock.now_us += by_us

    @rule()
    def reopen(self) -> None:
        """Close the subject, and open it again from what it left."""
        if self.guest is not None:
            self.guest.close()
        self.guest, self.guest_appends = None, False
        self.subject.close()
        self.subject = self.open_subject("hold")
        self.model.hold()

    @precondition(lambda self: self.redacts)
    @precondition(lambda self: not self.guest_appends)
    @rule()
    def seal(self) -> None:
        """Seal both."""
        self._agree(lambda store: store.seal())

    @rule()
    def take_turns(self) -> None:
        """Let a guest make the appends that follow; or the holder again, if a guest makes them."""
        self.guest = self.guest or self.open_subject("guest")
        self.guest_appends = not self.guest_appends
        self.exact = False

    @precondition(lambda self: self.redacts)
    @rule(
        name=streams,
        revision=st.integers(-1, 6),
        pointer=st.sampled_from(["/item", "/item", "/quantity", "", "/0", "/none"]),
    )
    def redact(self, name: StreamId, revision: int, pointer: str) -> None:
        """Take values out of events that are there and that are not."""
        revision = revision if revision >= 0 else self.model.head(name).revision

        def redact(store: Store) -> Redaction:
            done = store.redact(name, revision, [pointer], by="ann", reason="asked")
            equal(done.gone, self.gone or store is self.model)
            return msgspec.structs.replace(done, gone=True)

        self._agree(redact)
        self.exact = self.exact and not self.guest_appends

    @rule(name=streams, first=st.integers(1, 700), last=st.none() | st.integers(0, 700))
    def read(self, name: StreamId, first: int, last: int | None) -> None:
        """Read a part of a stream."""
        self._agree(lambda store: list(store.read(name, first, last)))

    @rule(name=streams, at=st.none() | st.integers(-1, 700))
    def fold(self, name: StreamId, at: int | None) -> None:
        """Fold a stream up to a revision."""
        self._agree(lambda store: store.fold(CountingReducer(), name, at))

    @rule(
        after=st.integers(0, 40),
        before=st.none() | st.integers(0, 700),
        limit=st.integers(0, 5),
        kinds=st.lists(st.sampled_from(KINDS), max_size=2),
        newest_first=st.booleans(),
        first_rows_only=st.booleans(),
    )
    def read_log(self, **arguments: Any) -> None:
        """Read a page of the log."""
        self._agree(lambda store: rows(store.read_log(**arguments)))

    @rule(name=streams, suffix=st.text("0123", max_size=2))
    def look(self, name: StreamId, suffix: str) -> None:
        """Ask all that is asked about streams."""
        for number, kind in enumerate(KINDS):
            self._agree(lambda store, kind=kind: store.count_streams(kind))  # type: ignore[misc]
            self._agree(
                lambda store, kind=kind, n=number: store.find_streams(suffix, kind, n + 1)  # type: ignore[misc]
            )
        self._agree(lambda store: store.forks_of(name))
        self._agree(lambda store: store.head(name))

    @invariant()
    def the_logs_are_equal(self) -> None:
        """The last rows: positions, times, all events."""
        equal(
            rows(self.subject.read_log(newest_first=True, limit=3)),
            rows(self.model.read_log(newest_first=True, limit=3)),
        )
        equal(self.subject.end(), self.model.end())

    def teardown(self) -> None:
        """Compare the whole logs, and clean up."""
        try:
            if self.guest is not None:
                self.guest.close()
            equal(
                rows(self.subject.read_log(limit=10_000)), rows(self.model.read_log(limit=10_000))
            )
            equal(_unsealed(self.subject.verify()), _unsealed(self.model.verify()))
        finally:
            self.subject.close()
            self.model.close()
            self.remove_subject()

    def _agree(self, call: Callable[[Store], object]) -> None:
        subject = self.guest if self.guest is not None and self.guest_appends else self.subject
        equal(
            outcome(lambda: call(subject), exact=self.exact),
            outcome(lambda: call(self.model), exact=self.exact),
        )


def outcome(call: Callable[[], object], *, exact: bool) -> object:
    """Return what *call* gives, or what it refuses; unless *exact* without what ids made."""
    try:
        given = call()
    except EventStoreError as error:
        made = () if exact else ("last_commit",)
        return error.code, {name: v for name, v in error.fields.items() if name not in made}
    if isinstance(given, Commit) and not exact:
        return msgspec.structs.replace(given, chain=b"")
    if isinstance(given, Redaction):
        # Folds are kept when there is time for it: nobody can say how many there are.
        return msgspec.structs.replace(given, keyframes=0)
    return given


def rows(found: Sequence[Row]) -> list[object]:
    """Return rows so that they can be compared."""
    return [
        (row.position, row.stream, row.first, row.kind, row.closes, row.began_us, row.at_us,
         row.parent, row.parent_revision, [_without_numbers(event) for event in row.events])
        for row in found
    ]  # fmt: skip


def _unsealed(verdict: Verdict) -> Verdict:
    """Leave out what keys and closing make: when and by whom each store was sealed."""
    return msgspec.structs.replace(verdict, seals=0, root=b"", sealed_to=Position(0), key=b"")


def _without_numbers(event: Event) -> Event:
    if event.type != REGISTERED:
        return event
    names = [name[1:] for name in event.data.data["names"]]
    return msgspec.structs.replace(event, data=names)


__all__ = ["StoresAgree"]
