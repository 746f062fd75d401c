"""End the requests that a crash left open, and undo what they said should be undone (CN-7).

Whoever holds the log next does it, before its first request; where several processes serve
from one log, whoever adopts a node that is gone. A crash in the midst of it leaves the stream
open once more: what is undone already is in the log, the rest is done by the next one. So a
compensation runs at least once, and has to bear running twice.
"""

import asyncio
import itertools
import logging
from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

from eventstore import Event, EventStoreError, NewEvent, Store, StreamId
from runtime.context import REQUEST
from runtime.effects.failures import failure_of
from runtime.errors import RequestStoppedError
from runtime.facts import (
    CompensationRegistered,
    HandlerFailed,
    HookFailed,
    PhaseChanged,
    RequestAborted,
    RequestReceived,
)
from runtime.lifecycle.binding import HANDLER_NAMES, bind
from runtime.lifecycle.failing import undo
from runtime.lifecycle.handlers import HandlerVersion
from runtime.lifecycle.local_context import renew
from runtime.lifecycle.record import Recorder
from runtime.lifecycle.retrying import from_plain
from runtime.lifecycle.run import Run, Surroundings, Undo
from runtime.messages import Received
from runtime.modules import ModuleRegistry, StubMethod

CRASH = "crash"
_HIDDEN = frozenset({"$redacted", "$sealed"})
_log = logging.getLogger("timescape")


async def recover(
    store: Store,
    surroundings: Surroundings,
    modules: ModuleRegistry,
    adopted: Collection[str] = (),
) -> int:
    """Close every open request that nobody runs any more; return how many there were.

    Without other nodes: all of the log, so call it when nothing runs yet.

    Args:
        store: the log.
        surroundings: of the app.
        modules: whose methods undo what was done.
        adopted: nodes that are gone, and whose work is to be ended here.

    Raises:
        EventStoreError: the log cannot be read or written.
    """
    closed = 0
    # Beside running requests it must not block them; without other nodes there are none.
    alone = store.nodes is None
    find = partial(_left_open, store, adopted)
    for events in find() if alone else await asyncio.to_thread(find):
        # A task of its own: it has a context, in which its modules know who calls.
        work = asyncio.create_task(_close(store, surroundings, modules, events))
        closed += await _alone(work)
    return closed


def _left_open(store: Store, adopted: Collection[str]) -> list[list[Event]]:
    """Return the open requests that nobody runs, each from its first fact on."""
    found: dict[str, list[list[Event]]] = {}
    for stream in store.open_streams(REQUEST.name):
        events = list(store.read(stream))
        if store.head(stream).parent is None and isinstance(events[0].data, RequestReceived):
            found.setdefault(events[0].data.node, []).append(events)
    # Asked after the streams: who begins one later is known by then.
    return [events for node in _without_life(store, found, adopted) for events in found[node]]


def _without_life(store: Store, found: Iterable[str], adopted: Collection[str]) -> Collection[str]:
    nodes = store.nodes
    if nodes is None:
        return list(found)
    census, holds = nodes.census(), nodes.holds
    # What no node knows of was written before there were nodes, or is of another log.
    known = census.living | census.gone
    return [each for each in found if each in adopted or (holds and each not in known)]


async def _alone(work: "asyncio.Task[None]") -> bool:
    """Say whether it was done here: somebody else may be at it, and then is first."""
    try:
        await work
    except EventStoreError as error:
        if error.code not in {"wrong-revision", "stream-closed"}:
            raise
        return False
    return True


async def _close(
    store: Store, surroundings: Surroundings, modules: ModuleRegistry, events: list[Event]
) -> None:
    run = _run_of(store, surroundings, events)
    run.undos.update(_undos(events, modules))
    _log.warning("request was cut off by a crash: request=%s", run.request_id)
    _end_what_ran(run)
    for compensation in reversed(list(run.record.state.compensations)):
        await undo(run, compensation)
        run.record.commit()
        await run.record.durable()
    run.stage = "over"
    run.record.add(RequestAborted(), CRASH)
    run.record.end(run.lease)
    run.record.commit(close=True)
    await run.record.durable()


def _run_of(store: Store, surroundings: Surroundings, events: list[Event]) -> Run:
    """Return the request as it stood, on its way through failure."""
    record = Recorder(events[0].stream, store, surroundings.clock)
    record.go_on_from(
        [NewEvent(each.type, each.data, each.key, each.at_us, each.site) for each in events]
    )
    first: RequestReceived = events[0].data
    run = Run(_received(events[0].stream, first), _gone(first), first, record, surroundings)
    run.stage = "failure"
    record.failing = True
    run.phase = record.state.phase
    run.effects = itertools.count(record.state.effects + 1)
    run.renew = renew
    renew(run)
    return run


def _received(stream: StreamId, first: RequestReceived) -> Received:
    return Received(stream=stream, method=first.method, path=first.path, received_us=0)


def _gone(first: RequestReceived) -> HandlerVersion:
    """Stand for the version that ran: nothing of it runs again."""

    def nothing(*_: Any) -> Any:
        return None

    return HandlerVersion(
        handler=first.handler,
        method=first.method,
        route=first.route,
        version="",
        edition=None,
        call=bind(lambda: None, HANDLER_NAMES),
        parse=nothing,
        render=nothing,
        redact_body=nothing,
        redact_answer=nothing,
    )


def _undos(events: list[Event], modules: ModuleRegistry) -> dict[str, Undo]:
    """Return the compensations that can be run here: methods of modules, all arguments known."""
    found: dict[str, Undo] = {}
    for event in events:
        fact = event.data
        if not isinstance(fact, CompensationRegistered) or not fact.module or not event.key:
            continue
        named = isinstance(fact.args, dict) and fact.args.keys() == {"args", "kwargs"}
        args, kwargs = (fact.args["args"], fact.args["kwargs"]) if named else (fact.args, {})
        method = modules.find(fact.name)
        if method is None or _is_hidden(fact.args):
            continue
        if not method.marks.keys().isdisjoint(method.named_args(tuple(args), kwargs)):
            # The log has a hash of it, or less.
            continue
        waits = from_plain(fact.backoff)
        found[event.key] = Undo(
            event.key, fact.name, StubMethod(method), args, kwargs, fact.retries, waits
        )
    return found


def _is_hidden(tree: Any) -> bool:
    """Say whether a part of *tree* was left out of the log, or cannot be read any more."""
    if isinstance(tree, dict):
        return not _HIDDEN.isdisjoint(tree) or any(map(_is_hidden, tree.values()))
    return isinstance(tree, list) and any(map(_is_hidden, tree))


def _end_what_ran(run: Run) -> None:
    """Write down that what was running failed, and that the request fails."""
    span, record = run.record.state.span, run.record
    failure = failure_of(RequestStoppedError(CRASH), run.surroundings.sites)
    if span is not None and span.kind == "handler":
        record.add(HandlerFailed(failure), span.id)
    elif span is not None:
        record.add(HookFailed(span.kind, failure, span.attempt, span.attempt), span.id)
    if run.phase != "failing":
        run.phase = "failing"
        record.add(PhaseChanged(), "failing")
