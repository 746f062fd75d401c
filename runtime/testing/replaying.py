"""Every request that a test serves is run again at its end, and has to say the same (TH-9).

It finds what no test of its own looks for: code that reads a clock, a counter or chance past
its context. Switched on by the setting `TIMESCAPE_ALWAYS_REPLAY=1`, or for one harness.
"""

import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from eventstore import Event, Store, StreamId
from runtime.app import App
from runtime.errors import DivergenceError, NotReplayableError
from runtime.replay import Divergence, Library, Options, Replay, run_again
from runtime.replay.choosing import Chosen, was_run
from runtime.replay.divergence import payload_text
from runtime.replay.following import Course
from runtime.replay.running import Program, rerun

SETTING = "TIMESCAPE_ALWAYS_REPLAY"


def always_replay() -> bool:
    """Say whether the setting is on."""
    return os.environ.get(SETTING, "") not in {"", "0"}


def check_replay(program: Program, events: Sequence[Event]) -> None:
    """Run a request again; it may be called on an event loop.

    Raises:
        DivergenceError: it says something else; names the first fact that differs.
    """
    if not was_run(events):
        # Refused before any handler was chosen: there is no code to run.
        return
    course = Course(events, until=len(events))
    result = apart(lambda: rerun(program, course))
    _refuse(events[0].stream, result.divergence)


def again(
    app: App,
    store: Store,
    facts: Sequence[Event],
    version: str | None,
    chosen: Chosen | None = None,
) -> Replay:
    """Run a request again, and write nothing; it may be called on an event loop.

    Args:
        app: whose code runs.
        store: the log that has the request.
        facts: of its stream.
        version: that runs; None: the one that ran.
        chosen: the code that runs; None: what *facts* and *version* say.

    Raises:
        NotReplayableError: no handler was run, or its code reads what was not recorded.
        UnknownVersionError: the app has no such version.
    """
    library, options = Library(app, store), Options(version=version)
    fork = facts[0].stream
    found: Replay = apart(lambda: run_again(library, facts, options, fork=fork, chosen=chosen))
    return found


def check_app(app: App, store: Store, streams: Sequence[StreamId]) -> int:
    """Run requests of an app again; return how many had a handler that could be.

    Raises:
        DivergenceError: one says something else.
    """
    library = Library(app, store)
    done = 0
    for stream in streams:
        events = tuple(store.read(stream))
        again = apart(partial(_again, library, events))
        if again is not None:
            _refuse(stream, again.divergence)
            done += 1
    return done


def _again(library: Library, events: Sequence[Event]) -> Any:
    try:
        return run_again(library, events, Options(), fork=events[0].stream)
    except NotReplayableError:
        # Refused before any handler, or about what was left out of the record.
        return None


def apart(work: Callable[[], Any]) -> Any:
    """Do *work* in a thread of its own: a run needs an event loop to itself."""
    results: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised by the caller
            errors.append(error)

    thread = threading.Thread(target=run, name="timescape-replay")
    thread.start()
    thread.join()
    for error in errors:
        raise error
    return results[0]


def _refuse(stream: StreamId, divergence: Divergence | None) -> None:
    if divergence is not None:
        problem = (
            f"Request req-{stream.hex} does not say the same again. At #{divergence.index} "
            f"({divergence.kind}) it wrote {payload_text(divergence.recorded)}, "
            f"and now {payload_text(divergence.attempted)}."
        )
        remedy = "Take times, chance and other outside things from lctx and gctx."
        raise DivergenceError(problem, remedy)
