"""Requests on record are held against the code as it is (CT-3). Nothing is performed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec

from eventstore import Event, EventStoreError, Store, StreamId
from runtime.app import App
from runtime.errors import TimescapeError
from runtime.facts import ResponseSent
from runtime.replay import Library, Options, Replay, run_again
from runtime.replay.divergence import payload_text
from runtime.testing.corpora import corpus_files, library_of, read_recorded
from runtime.testing.replaying import apart

_PAGE = 256
_REQUEST = "request"


class Checked(msgspec.Struct, frozen=True):
    """What became of one request."""

    request: str
    verdict: Literal["equal", "divergence", "answer", "not-replayable"]
    """divergence: it does otherwise, and answers the same; answer: it answers otherwise."""
    detail: str = ""
    """The first difference, or why it cannot be run."""


def check_recorded(
    recorded: Store | Path,
    app: App,
    *,
    where: Callable[[Sequence[Event]], bool] | None = None,
    allow_not_replayable: bool = False,
) -> list[Checked]:
    """Run requests again by *app*; return what became of each, in the order of the log.

    Args:
        recorded: a log, or the folder of a corpus, whose order is that of its files' names.
        app: need not be started.
        where: is given the facts of a request, and says whether it is meant; None: all are.
        allow_not_replayable: requests that were refused before any code ran, or of which
            something was kept out of the record, count for nothing.

    Raises:
        AssertionError: one is not equal; lists all such.
        ValueError: the folder holds no recorded requests.
    """
    using: AbstractContextManager[Library]
    if isinstance(recorded, Path):
        using, requests = library_of(app), _kept(recorded)
    else:
        using, requests = nullcontext(Library(app, recorded)), _requests(recorded)
    with using as library:
        checked = [
            check_one(library, events) for events in requests if where is None or where(events)
        ]
    fine = {"equal", "not-replayable"} if allow_not_replayable else {"equal"}
    bad = [each for each in checked if each.verdict not in fine]
    if bad:
        told = "\n".join(f"- {each.request} {each.verdict}: {each.detail}" for each in bad)
        msg = f"{len(bad)} of {len(checked)} recorded requests are not as they were:\n{told}"
        raise AssertionError(msg)
    return checked


def check_one(library: Library, events: Sequence[Event]) -> Checked:
    """Run one request again; it may be called on an event loop."""
    done: Checked = apart(partial(_checked, library, events))
    return done


def _kept(folder: Path) -> Iterator[Sequence[Event]]:
    for path in corpus_files(folder):
        yield read_recorded(path).events


def _requests(store: Store) -> Iterator[Sequence[Event]]:
    seen: dict[StreamId, None] = {}
    after = 0
    while rows := store.read_log(after=after, limit=_PAGE, kinds=(_REQUEST,)):
        after = rows[-1].position
        # Forks and requests that are still open have nothing to be compared with.
        seen.update({row.stream: None for row in rows if row.closes and row.parent is None})
    for stream in seen:
        yield tuple(store.read(stream))


def _checked(library: Library, events: Sequence[Event]) -> Checked:
    name = f"req-{events[0].stream.hex}"
    options = Options(on_divergence="fork")
    try:
        replay: Replay = run_again(library, events, options, fork=events[0].stream)
    except (TimescapeError, EventStoreError) as error:
        return Checked(name, "not-replayable", str(error))
    parted = replay.divergence
    if parted is None:
        return Checked(name, "equal")
    now = next((fact.data for fact in reversed(replay.facts) if _is_answer(fact.data)), None)
    then = next((event.data for event in reversed(events) if _is_answer(event.data)), None)
    verdict: Literal["divergence", "answer"] = "divergence" if now == then else "answer"
    return Checked(
        name,
        verdict,
        f"#{parted.index} {parted.kind}: {payload_text(parted.recorded)} is now "
        f"{payload_text(parted.attempted)}",
    )


def _is_answer(data: Any) -> bool:
    return isinstance(data, ResponseSent)
