"""The route tables of a store: one for each app that was recorded in it."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from debugger.errors import NotFoundError
from debugger.session.control import control_streams
from debugger.session.session import Session
from eventstore import Store, StreamId
from runtime.control import Versions, read_manifests, read_table, table_at
from runtime.manifests.kept import Corrupt
from runtime.problem_facts import ProblemUndeclared
from runtime.queue import METHOD
from runtime.routing import Match, MethodNotAllowed, Routes, parse, split_path
from runtime.timescape import HandlerRoutes, RouteTable
from runtime.timescape.finding import handler_of
from runtime.timescape.pins import EVERYWHERE


class App(msgspec.Struct, frozen=True):
    """What one control stream says."""

    stream: StreamId
    table: RouteTable


def apps(session: Session, *, position: int | None = None, at_us: int | None = None) -> list[App]:
    """Give the route tables of *session*'s store: the newest, or as they were.

    Raises:
        PositionOutOfRange: the log has not come to *position* yet.
    """
    store = session.store
    streams = control_streams(session)
    if position is None and at_us is None:
        return [App(stream, read_table(store, stream)) for stream in streams]
    return [
        App(stream, table_at(store, stream, position=position, at_us=at_us)) for stream in streams
    ]


def corrupt_manifests(session: Session) -> list[Corrupt]:
    """Give the manifests of all apps that are not what their digests say (MS-4)."""
    return [
        each
        for stream in control_streams(session)
        for each in read_manifests(session.store, stream).corrupt
    ]


def undeclared(store: Store, stream: StreamId, version: str) -> list[str]:
    """Return the problem codes that *version* answered with and does not declare, with statuses.

    Args:
        store: the log.
        stream: the control stream of the app.
        version: an id.
    """
    return sorted(
        {
            f"{event.data.status} {event.data.code}"
            for event in store.read(stream)
            if isinstance(event.data, ProblemUndeclared) and event.key == version
        }
    )


def app_with(known: list[App], handler: str) -> App:
    """Return the app that has *handler*.

    Raises:
        VersionNotFound: none has; the remedy names the nearest.
        NotFoundError: several have.
    """
    fitting = [app for app in known if handler in app.table.handlers]
    if len(fitting) > 1:
        problem = f"{len(fitting)} apps of this store have {handler!r}."
        raise NotFoundError(problem, "Use a store for each app.")
    if fitting:
        return fitting[0]
    every = {name: routes for app in known for name, routes in app.table.handlers.items()}
    handler_of(RouteTable(handlers=every), handler)
    raise AssertionError


@contextmanager
def changing(session: Session, handler: str, *, by: str, dry_run: bool) -> Iterator[Versions]:
    """Give what changes the versions of *handler*, for one change.

    Raises:
        WriteRefusedError: the session is read-only.
        VersionNotFound: there is no such handler.
        NotFoundError: *handler* is `*`, for all, and there is not one app.
    """
    stream = _app_of(apps(session), handler).stream
    clock, ids = session.sources
    if dry_run:
        yield Versions(session.store, stream, clock=clock, ids=ids, by=by, dry_run=True)
        return
    with session.writing() as store:
        yield Versions(store, stream, clock=clock, ids=ids, by=by)


def _app_of(known: list[App], handler: str) -> App:
    if handler != EVERYWHERE:
        return app_with(known, handler)
    if len(known) != 1:
        problem = f"There are {len(known)} apps in this store."
        raise NotFoundError(problem, "Name a handler instead of `*`.")
    return known[0]


def routed(known: list[App], method: str, path: str) -> tuple[App, HandlerRoutes, dict[str, str]]:
    """Say which handler a request goes to, and its path parameters.

    Raises:
        NotFoundError: no route has the path, or none the method.
    """
    allowed: set[str] = set()
    for app in known:
        routes: Routes[HandlerRoutes] = Routes()
        for each in app.table:
            if each.route.startswith(f"{METHOD} "):
                continue
            routes.add(parse(each.route), each, each.handler)
        segments = split_path(path)
        found = None if segments is None else routes.match(method, segments)
        if isinstance(found, Match):
            return app, found.route, found.params
        if isinstance(found, MethodNotAllowed):
            allowed |= set(found.allow)
    problem = f"No route of this store takes {method} {path}."
    remedy = (
        f"Here are {', '.join(sorted(allowed))}." if allowed else "`timescape routes` lists them."
    )
    raise NotFoundError(problem, remedy)
