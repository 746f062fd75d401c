"""Finds what runs: the code of an app for a recorded request, and whether it has changed."""

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from eventstore import Event, Store
from eventstore.values import decode
from runtime.app import App
from runtime.app.assembly import classes_of, joints_of, ready, served
from runtime.app.declarations import Declared
from runtime.context.phases import AUTHORIZED
from runtime.control import control_stream, read_table, table_at
from runtime.control_facts import ConfigLoaded
from runtime.errors import NotReplayableError, UnknownVersionError
from runtime.facts import RequestReceived, VersionResolved
from runtime.ingress import Endpoint
from runtime.ingress.bridging import bridged
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.handlers import HandlerVersion
from runtime.policy_facts import PolicyDecided
from runtime.replay.running import Program, Stage
from runtime.timescape import Chain, HandlerRoutes, RouteTable, Version, chain
from runtime.timescape.chains import ways_back
from runtime.timescape.deploying import next_id
from runtime.transform_facts import VersionPlaced


class Chosen(msgspec.Struct, frozen=True):
    """What runs on a recorded request."""

    program: Program
    recorded: str
    """Id of the version that ran."""
    running: str
    """Id of the version that runs."""
    declared: Declared

    @property
    def is_other(self) -> bool:
        """Whether another version runs."""
        return self.recorded != self.running

    @property
    def is_changed(self) -> bool:
        """Whether the code of this very version is not what it was (RX-3)."""
        before, now = self.program.codes
        return not self.is_other and bool(before) and before != now


Asked: TypeAlias = tuple[str, str, str, str | None, str | None]
"""Handler, fingerprint of the config, version that ran, its edition, and version asked for."""


class Library:
    """The code of an app, and what a log knows of it; read once, for many requests.

    Args:
        app: need not be started.
        store: the log, which knows what was deployed and under which config.
    """

    def __init__(self, app: App, store: Store) -> None:
        self.parts = app.parts
        self.classes = classes_of(
            self.parts.declared, self.parts.registered, has_keyring=store.has_keyring
        )
        stream = control_stream(app.name)
        self.known = read_table(store, stream)
        self.joints = joints_of(self.parts.transformers, self.parts.declared)
        """The code of transformers."""
        self._tables: dict[int, RouteTable] = {}
        self._read_at = partial(table_at, store, stream)
        loaded = [e for e in store.read(stream) if isinstance(e.data, ConfigLoaded)]
        self._configs = {event.key: event.data.config for event in loaded}
        self.stage = Stage(self.parts.root)
        """What all runs share."""
        self.chosen: dict[Asked, Chosen] = {}
        """What was chosen, by what it was chosen for."""

    def table_at(self, position: int) -> RouteTable:
        """Return the route table as of *position* of the log."""
        if position not in self._tables:
            self._tables[position] = self._read_at(position=position)
        return self._tables[position]

    def config(self, wanted: str) -> Any:
        """Return the config of a fingerprint, as the log has it (GC-3)."""
        if wanted in self._configs:
            return decode(self._configs[wanted])
        return self.parts.config


def choose(library: Library, events: Sequence[Event], version: str | None) -> Chosen:
    """Find what runs of an app.

    Args:
        library: of the app.
        events: of the request's stream.
        version: an edition, a version id or `latest`; None: the one that ran.

    Raises:
        NotReplayableError: no handler of the app is meant by the record.
        UnknownVersionError: it has no such version.
    """
    first: RequestReceived = events[0].data
    recorded = _resolved(events)
    asked = first.handler, first.config, str(recorded.key), recorded.data.edition, version
    chosen = library.chosen.get(asked)
    if chosen is None:
        chosen = library.chosen[asked] = _chosen(library, first, recorded, version)
    if recorded.data.contract is None or chosen.is_other:
        return chosen
    failed_over = any(_is_failover(event) for event in events[:8])
    runs = _crossed(library, recorded, chosen.program.version, failed_over=failed_over)
    return replace(chosen, program=replace(chosen.program, version=runs))


def _chosen(
    library: Library, first: RequestReceived, recorded: Event, version: str | None
) -> Chosen:
    """Find what runs, for callers of that very version."""
    parts = library.parts
    line = _line(library, first.handler)
    declared, running = line.pick(recorded, version)
    program = Program(
        ready(declared, running),
        GlobalContext(
            parts.modules,
            library.config(first.config),
            topics=parts.topics,
            problem_base=parts.problem_base,
        ),
        parts.before,
        parts.after,
        parts.catch,
        library.classes,
        parts.root,
        (line.code_of(str(recorded.key)), declared.fingerprint),
        library.stage,
    )
    return Chosen(program, str(recorded.key), running, declared)


def was_run(events: Sequence[Event]) -> bool:
    """Say whether a handler was begun; it was not, where a policy or the edge said no."""
    decided = [event for event in events[:8] if isinstance(event.data, PolicyDecided)]
    if not decided:
        return any(isinstance(event.data, VersionResolved) and event.key for event in events[:8])
    begun = any(event.type == "phase.changed" and event.key == AUTHORIZED for event in events[:8])
    return begun and decided[0].key == "allow"


def _resolved(events: Sequence[Event]) -> Event:
    for event in events[:8]:
        if isinstance(event.data, VersionResolved) and event.key and was_run(events):
            return event
    problem = "The request was refused before any handler was chosen: there is no code to run."
    raise NotReplayableError(problem, "`timescape log` shows why it was refused.")


def _is_failover(event: Event) -> bool:
    return isinstance(event.data, VersionPlaced) and event.data.reason == "unhealthy"


def _crossed(
    library: Library,
    recorded: Event,
    running: HandlerVersion,
    *,
    failed_over: bool,
) -> HandlerVersion:
    """Return *running* as it served a caller of another version, by the code there is now.

    Raises:
        UnknownVersionError: the app has not all of that code.
    """
    line = _line(library, running.handler)
    routes = library.table_at(recorded.data.table).handlers[running.handler]
    spoken, runs = routes.versions[recorded.data.contract], routes.versions[running.version]
    if not recorded.data.chain and not line.has(spoken):
        return running  # A compatible patch, which took its callers as they are.
    code = {str(each.id): served(line.code(each), str(each.id)) for each in (spoken, runs)}
    endpoint = Endpoint(
        running.handler, running.route, code, library.joints.get(running.handler, {})
    )
    way: object = chain(routes, spoken, runs)
    if runs.order < spoken.order:
        back = ways_back(routes, spoken, recorded.at_us)
        way = next((each for each in back if each.end == runs), None)
    may_fall_back = not failed_over and routes.in_service(str(spoken.id), recorded.at_us)
    found = bridged(endpoint, way, may_fall_back=may_fall_back) if isinstance(way, Chain) else None
    if found is None:
        msg = f"The app has no transformers from {spoken.id} to {runs.id}."
        raise UnknownVersionError(msg, "Run it with the code that served the request.")
    return found.version


def _line(library: Library, handler: str) -> "_Line":
    declared = [each for each in library.parts.declared if each.handler == handler]
    if not declared:
        problem = f"The app {library.parts.name!r} has no handler {handler!r}."
        raise NotReplayableError(problem, "Name the app that recorded it (--app module:app).")
    return _Line(handler, library.known.handlers.get(handler), declared)


class _Line:
    """The versions of one handler: those the log knows, and those the app has."""

    def __init__(
        self, handler: str, known: HandlerRoutes | None, declared: Sequence[Declared]
    ) -> None:
        self._handler = handler
        self._known = known
        self._deployed: Sequence[Version] = known.line if known else ()
        self._declared = declared

    def code_of(self, version_id: str) -> str:
        """Return the fingerprint of a deployed version; `` if the log does not know it."""
        found = [d.fingerprint for d in self._deployed if str(d.id) == version_id]
        return found[0] if found else ""

    def pick(self, recorded: Event, asked: str | None) -> tuple[Declared, str]:
        """Return what runs, and the id it runs under."""
        ran: VersionResolved = recorded.data
        if asked is None or asked == recorded.key:
            return self._of_edition(ran.edition), str(recorded.key)
        if asked.startswith("tsv:"):
            return self._of_id(asked), asked
        declared = self._newest() if asked == "latest" else self._of_edition(asked)
        if declared.edition == ran.edition:
            return declared, str(recorded.key)
        return declared, self._id_of(declared)

    def _of_edition(self, edition: str | None) -> Declared:
        for declared in self._declared:
            if declared.edition == edition:
                return declared
        raise self.unknown(edition or "without edition")

    def _newest(self) -> Declared:
        return max(self._declared, key=lambda declared: declared.edition or "")

    def _of_id(self, asked: str) -> Declared:
        for deployment in self._deployed:
            for declared in self._declared:
                same_code = deployment.fingerprint == declared.fingerprint
                if str(deployment.id) == asked and same_code:
                    return declared
        raise self.unknown(asked)

    def _id_of(self, declared: Declared) -> str:
        last = self._known.last_of(declared.edition) if self._known else None
        # Code that was never deployed runs under the id that it would get.
        return str(last.id if last else next_id(self._known, self._handler, 0))

    def code(self, version: Version) -> Declared:
        """Return the code of a version that was spoken or ran."""
        return self._of_edition(version.edition)

    def has(self, version: Version) -> bool:
        """Say whether the app has the very code of *version*."""
        return any(each.fingerprint == version.fingerprint for each in self._declared)

    def unknown(self, asked: str) -> UnknownVersionError:
        """Return the error of a version whose code is not there."""
        editions = ", ".join(declared.edition or "no edition" for declared in self._declared)
        return UnknownVersionError(
            f"The app has no code of version {asked[:80]} of {self._handler}.",
            f"Its editions: {editions}.",
        )
