"""What still holds a version: requests and messages that run, gates, messages that wait (SO-5).

As long as there is something, its code has to stay loadable somewhere: what was placed runs to
its end with the version it was placed on.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from debugger.session.queues import lines
from debugger.session.routing import App
from debugger.session.session import Session
from eventstore import Event, Store, StreamId
from runtime.context import REQUEST
from runtime.facts import RequestReceived, VersionResolved
from runtime.gate_facts import GateHit, GateReleased
from runtime.queue import METHOD
from runtime.timescape import HandlerRoutes
from runtime.timescape.pins import pins_of
from runtime.timescape.retiring import guards


class Hold(msgspec.Struct, frozen=True):
    """One thing that holds a version."""

    version: str
    by: str
    """request, message, gate, queue, process or service."""
    of: str
    """The request; the gate and its request; the subscriber and topic; where a process serves
    requests of which the log knows nothing yet; why it is kept in service."""
    since_us: int | None = None
    node: str = ""
    """The process that works on it, where several serve from the log."""
    count: int = 1


def holds(session: Session, known: Sequence[App], now_us: int) -> list[Hold]:
    """Say what holds each version of *known* apps; a version that nothing holds is not in it."""
    there = {version for app in known for routes in app.table for version in routes.versions}
    found = [each for each in running(session.store) if each.version in there]
    found += _queued(session, known, now_us)
    for app in known:
        for routes in app.table:
            found += _in_service(app, routes, now_us)
    return sorted(found, key=lambda each: each.version)


def running(store: Store) -> Iterator[Hold]:
    """Give open requests, and the gates that hold some of them; copies hold nothing."""
    for stream in store.open_streams(REQUEST.name):
        if store.head(stream).parent is None:
            yield from of_request(stream, store.read(stream))


def of_request(stream: StreamId, events: Iterable[Event]) -> Iterator[Hold]:
    """Say what an open request holds: its version, by itself and by a gate that stops it."""
    received: RequestReceived | None = None
    version, since_us, stopped = "", 0, dict[str, int]()
    for event in events:
        fact: Any = event.data
        match fact:
            case RequestReceived():
                received, since_us = fact, event.at_us
            case VersionResolved():
                version = event.key or ""
            case GateHit(paused=True):
                stopped[event.key or ""] = event.at_us
            case GateReleased():
                stopped.pop(event.key or "", None)
            case _:
                pass
    if received is None or not version:
        return
    name, node = f"{received.prefix}-{stream.hex}", received.node
    if received.method != METHOD:
        # Messages are claimed before they run: their queue tells of them.
        yield Hold(version, "request", name, since_us, node)
    for gate, at_us in stopped.items():
        yield Hold(version, "gate", f"{gate} {name}", at_us, node)


def _queued(session: Session, known: Sequence[App], now_us: int) -> Iterator[Hold]:
    """Give the messages that are worked on and that wait: what takes them is held by both."""
    for line in lines(session):
        of, waits = f"{line.subscriber} {line.topic}", line.depth - line.running
        for app in known:
            routes = app.table.handlers.get(line.subscriber)
            takes = None if routes is None else routes.current(now_us)
            if line.running and takes is not None:
                yield Hold(str(takes.id), "message", of, count=line.running)
            if waits and takes is not None:
                yield Hold(str(takes.id), "queue", of, line.oldest_us, count=waits)


def _in_service(app: App, routes: HandlerRoutes, now_us: int) -> Iterator[Hold]:
    pins = pins_of(app.table, routes.handler)
    for version in routes.line:
        name = str(version.id)
        if not routes.is_active(name):
            continue
        reasons = guards(routes, version, now_us, pins)
        if routes.current(now_us) == version:
            reasons.insert(0, "it is current")
        for reason in reasons:
            yield Hold(name, "service", reason)
