"""The queues of a store: what subscribers have before them, and what they gave up."""

from collections.abc import Iterator, Sequence

import msgspec

from debugger.errors import BadInputError, NotFoundError
from debugger.session.session import Session
from eventstore import Event, Row
from runtime.delivery.journal import Journal
from runtime.delivery.reading import Tail
from runtime.facts import Fact
from runtime.queue import (
    KIND,
    Counts,
    Inbox,
    Letter,
    QueueFold,
    Standing,
    matcher,
    standing_of,
    subscriber_stream,
)
from runtime.queue_facts import (
    MessageDeadLettered,
    MessageDropped,
    MessageRetried,
    SubscriptionClosed,
    SubscriptionOpened,
    SubscriptionPaused,
    SubscriptionResumed,
)


class Line(msgspec.Struct, frozen=True):
    """A subscriber and what it has before it."""

    subscriber: str
    topic: str
    """Of its messages; of its subscription, where it has none."""
    state: str
    """open, paused or closed."""
    depth: int
    size: int
    """In bytes."""
    running: int
    waiting: int
    """For another attempt."""
    oldest_us: int | None
    """When the longest waiting was published; None: none waits."""
    counts: Counts
    """Of the subscriber, over all its topics."""


def lines(session: Session, topic: str | None = None) -> list[Line]:
    """Say what each subscriber has before it, topic by topic.

    Messages that are not durable are not counted: only the process that delivers them knows.

    Raises:
        NotFoundError: nobody subscribes to *topic*.
    """
    known = _standings(session)
    fold = _folded(session, known)
    found: list[Line] = []
    for name, standing in known.items():
        inbox = fold.inboxes[name]
        names = [each for each, held in inbox.topics.items() if held[0]] or [standing.topic]
        if topic is not None:
            names = [topic] if topic in names or matcher(standing.topic)(topic) else []
        found += [_line(name, each, standing, inbox) for each in names]
    if topic is not None and not found:
        problem = f"Nobody subscribes to {topic[:80]!r}."
        raise NotFoundError(problem, "`timescape queue` lists all subscribers.")
    return found


def _line(name: str, topic: str, standing: Standing, inbox: Inbox) -> Line:
    queued = [each for each in inbox.queued.values() if each.message.topic == topic]
    state = "closed" if not standing.is_open else "paused" if inbox.is_paused else "open"
    oldest = [each.message.published_us for each in queued if each.phase != "running"]
    return Line(
        name,
        topic,
        state,
        len(queued),
        sum(each.message.size for each in queued),
        sum(each.phase == "running" for each in queued),
        sum(each.phase == "waiting" for each in queued),
        min(oldest, default=None),
        inbox.counts,
    )


def dead(session: Session, topic: str | None = None) -> list[Letter]:
    """Give the dead letters that nobody has retried or dropped, oldest first."""
    letters: dict[tuple[str, str], Letter] = {}
    for row in _rows(session):
        for event in row.events:
            _note(letters, event)
    return [each for each in letters.values() if topic is None or each.topic == topic]


def _note(letters: dict[tuple[str, str], Letter], event: Event) -> None:
    match event.data:
        case MessageDeadLettered() as fact:
            letters[fact.subscriber, event.key or ""] = Letter(
                event.key or "", fact.topic, fact.subscriber, fact.attempts, fact.reason,
                fact.error, fact.message, event.position, event.at_us,
            )  # fmt: skip
        case MessageRetried(subscriber=subscriber) | MessageDropped(subscriber=subscriber):
            letters.pop((subscriber, event.key or ""), None)
        case _:
            pass


def retry(session: Session, id_: str, subscriber: str | None, *, by: str) -> list[str]:
    """Let dead letters be tried again, with fresh attempts; name whose they were.

    Raises:
        NotFoundError: there is no such dead letter.
        WriteRefusedError: the session is read-only.
    """
    names = [each.subscriber for each in dead(session) if each.id == id_]
    chosen = _chosen(id_, names, subscriber, "dead letter")
    _tell(session, [(name, MessageRetried(name, by), id_) for name in chosen])
    return chosen


def drop(session: Session, id_: str, subscriber: str | None, *, by: str) -> list[str]:
    """Take a message that waits, or a dead letter, out of queues; name whose it was.

    Raises:
        NotFoundError: nobody has it, or it is being worked on.
        WriteRefusedError: the session is read-only.
    """
    inboxes = _folded(session, _standings(session)).inboxes
    names = [each.subscriber for each in dead(session) if each.id == id_]
    names += [
        name
        for name, inbox in inboxes.items()
        if id_ in inbox.queued and inbox.queued[id_].phase != "running"
    ]
    chosen = _chosen(id_, names, subscriber, "message that waits, and no dead letter")
    _tell(session, [(name, MessageDropped(name, by), id_) for name in chosen])
    return chosen


def pause(session: Session, subscriber: str, *, by: str) -> bool:
    """Let *subscriber* take no messages; False: it took none before.

    Raises:
        NotFoundError: there is no such subscriber.
        WriteRefusedError: the session is read-only.
    """
    if _standing(session, subscriber).is_paused:
        return False
    _tell(session, [(subscriber, SubscriptionPaused(by), subscriber)])
    return True


def resume(session: Session, subscriber: str, *, by: str) -> bool:
    """Let *subscriber* take messages again; False: it did before. See `pause`."""
    if not _standing(session, subscriber).is_paused:
        return False
    _tell(session, [(subscriber, SubscriptionResumed(by), subscriber)])
    return True


def close(session: Session, subscriber: str, *, by: str) -> bool:
    """Let *subscriber* get no more messages; False: it got none before. See `pause`.

    For one whose code is gone: an app that still has it opens it again at its next start.
    """
    if not _standing(session, subscriber).is_open:
        return False
    _tell(session, [(subscriber, SubscriptionClosed(by), subscriber)])
    return True


def _tell(session: Session, changes: Sequence[tuple[str, Fact, str]]) -> None:
    with session.writing() as store:
        journal = Journal(store, session.sources[0])
        for subscriber, fact, key in changes:
            journal.tell(subscriber, [(fact, key)]).result()


def _chosen(id_: str, names: list[str], subscriber: str | None, what: str) -> list[str]:
    if "@" not in id_:
        problem = f"{id_[:80]!r} is no id of a message."
        raise BadInputError(problem, "Write <stream>@<revision>; `timescape queue dead` has them.")
    chosen = [name for name in names if subscriber in (None, name)]
    if not chosen:
        whose = "" if subscriber is None else f" of {subscriber[:80]}"
        problem = f"There is no {what} {id_[:80]}{whose}."
        raise NotFoundError(problem, "`timescape queue dead` lists dead letters.")
    return chosen


def _standing(session: Session, subscriber: str) -> Standing:
    known = _standings(session)
    if subscriber not in known:
        problem = f"There is no subscriber {subscriber[:80]!r}."
        remedy = f"There are: {', '.join(sorted(known)) or 'none'}."
        raise NotFoundError(problem, remedy)
    return known[subscriber]


def _standings(session: Session) -> dict[str, Standing]:
    names = [
        event.key
        for row in _rows(session, first_rows_only=True)
        for event in row.events[:1]
        if isinstance(event.data, SubscriptionOpened) and event.key
    ]
    streams = {name: session.store.read(subscriber_stream(name)) for name in names}
    found = {name: standing_of(events) for name, events in streams.items()}
    return {name: each for name, each in found.items() if each is not None}


def _folded(session: Session, known: dict[str, Standing]) -> QueueFold:
    fold = QueueFold()
    for name, standing in known.items():
        fold.add(name, standing, live_from=session.store.end())
    after = min((each.after for each in known.values()), default=session.store.end())
    Tail(session.store, fold, after).catch_up()
    return fold


def _rows(session: Session, *, first_rows_only: bool = False) -> Iterator[Row]:
    after = 0
    while rows := session.store.read_log(
        after=after, kinds=(KIND,), first_rows_only=first_rows_only
    ):
        yield from rows
        after = rows[-1].position
