"""What a context knows about its request, and that does not change by being asked (LC-3, LC-13)."""

import datetime as dt
from collections.abc import Sequence

from eventstore import NewEvent
from runtime.facts import VersionResolved
from runtime.gate_facts import GateHit, GateReleased
from runtime.lifecycle.meta import Client, Meta, Refs, refs_of, when
from runtime.lifecycle.record import closed
from runtime.lifecycle.run import Lease, Run


def held(events: Sequence[NewEvent]) -> int:
    """Return for how many µs gates have held a request, so that its time stood still."""
    total_us, since_us, depth = 0, 0, 0
    for event in events:
        if isinstance(event.data, GateHit) and event.data.paused:
            since_us = since_us if depth else event.at_us
            depth += 1
        elif isinstance(event.data, GateReleased):
            depth -= 1
            total_us += 0 if depth else event.at_us - since_us
    return total_us + (events[-1].at_us - since_us if depth else 0)


class About:
    """The read-only part of a local context.

    The ids never change and can always be read, so that late code can still say whose it was;
    all else raises `ContextClosedError` once the request has ended (LC-9).
    """

    __slots__ = ("_lease", "_run")

    def __init__(self, run: Run, lease: Lease) -> None:
        self._run = run
        self._lease = lease

    def _live(self) -> Run:
        if not self._lease.open:
            raise closed()
        return self._run

    @property
    def about(self) -> dict[str, str]:
        """What a log line says of the request: its ids, its handler and version."""
        arrival = self._run.arrival
        return {
            "request_id": self._run.request_id,
            "trace_id": arrival.trace_id,
            "span_id": arrival.span_id,
            "handler": self._run.version.handler,
            "version": self._run.version.version,
        }

    @property
    def request_id(self) -> str:
        """The prefix of its app, `req-`, and 32 hex digits."""
        return self._run.request_id

    @property
    def trace_id(self) -> str:
        """32 hex digits, of the whole trace."""
        return self._run.arrival.trace_id

    @property
    def span_id(self) -> str:
        """16 hex digits, of this request."""
        return self._run.arrival.span_id

    @property
    def parent_span_id(self) -> str | None:
        """Of who called, if that is known."""
        return self._run.arrival.parent_span_id

    @property
    def client(self) -> Client:
        """Who called."""
        run = self._live()
        agent = dict(run.arrival.headers).get("user-agent", "unknown")
        return Client(run.arrival.client, agent, run.surroundings.gctx.instance.region)

    @property
    def refs(self) -> Refs:
        """Whom the request belongs to: user, session, tenant."""
        return refs_of(self._live().received.principal)

    @property
    def meta(self) -> Meta:
        """Facts about the request that do not change."""
        run = self._live()
        state = run.record.state
        instance = run.surroundings.gctx.instance
        return Meta(
            {
                "request_id": run.request_id,
                "method": state.method,
                "path": run.arrival.path,
                "route": state.route,
                "version": state.version,
                "flags": run.arrival.flags,
                "received_at": when(state.started_us),
                "instance_id": instance.id,
                "region": instance.region,
            }
        )

    @property
    def phase(self) -> str:
        """received, authenticated, authorized, validated, processing, and the ends."""
        return self._live().record.state.phase

    @property
    def version(self) -> str | None:
        """Id of the handler version that runs; None until it is resolved."""
        return self._live().record.state.version

    @property
    def resolved_by(self) -> str:
        """What chose the version: query, header, datetime, pin, split, default or latest."""
        facts = (event.data for event in self._live().record.events)
        return next((each.source for each in facts if isinstance(each, VersionResolved)), "default")

    @property
    def deadline(self) -> dt.datetime:
        """When the request's time is over."""
        run = self._live()
        return when(run.record.state.started_us + round(run.timeout_s * 1_000_000))

    def remaining(self) -> float:
        """Return the seconds from the request's last fact to its deadline; 0 once it passed.

        Facts alone tell it, so it is the same when the request is run again. After long work that
        no fact tells of, `now` makes one.
        """
        run = self._live()
        events = run.record.events
        held_us = 0 if run.gates is None else held(events)
        until_us = run.record.state.started_us + round(run.timeout_s * 1_000_000) + held_us
        return max(0, until_us - events[-1].at_us) / 1_000_000

    @property
    def is_timed_out(self) -> bool:
        """Whether the deadline passed."""
        return self._live().record.state.timed_out

    @property
    def is_aborted(self) -> bool:
        """Whether the request was stopped from outside."""
        return self._live().stop_reason is not None

    @property
    def is_cleaning_up(self) -> bool:
        """Whether only cleanups still run."""
        return self._live().stage == "cleanup"
