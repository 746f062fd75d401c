"""The audit of a whole log: a projection of it, in its order (OB-7)."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from debugger.session.forgetting import with_forgotten
from debugger.session.session import Session
from debugger.session.upkeep import KIND
from debugger.timeline import Predicate, Timeline, matches, parse
from debugger.timeline.auditing import (
    AUDIT_FIELDS,
    AuditRow,
    AuditSubject,
    Ledger,
    is_deed,
    of_log,
    of_request,
)
from eventstore import Event, Row, StreamId
from runtime.context import registry
from runtime.version_facts import HandlerDeployed

_PAGE = 256
_KEPT = 64
"""Requests whose facts are kept: those that write in turns are read once."""


def audit(
    session: Session, where: str = "", *, limit: int | None = 1000, requests: bool = True
) -> Iterator[AuditRow]:
    """Give the deeds in the log that match the filter text, oldest first.

    It reads on as it is asked: whoever stops asking has cancelled it.

    Args:
        session: of the store.
        where: the filter.
        limit: most that are given; None: all.
        requests: whether what requests did is among them, or only what was done to versions and
            to the log.

    Raises:
        FilterError: the filter cannot be read; at the call, not at the first answer.
    """
    wanted = parse(where, AUDIT_FIELDS)
    kinds = () if requests else [kind.name for kind in registry().kinds if kind.name != KIND]
    return islice(_Audit(session, wanted).rows(kinds), limit)


class _Audit:
    """One reading of the log."""

    def __init__(self, session: Session, wanted: Predicate) -> None:
        self._session = session
        self._wanted = wanted
        self._now_us = session.sources[0]()
        self._requests: OrderedDict[StreamId, Timeline] = OrderedDict()
        self._ledgers: dict[StreamId, Ledger] = {}
        self._manifests: dict[str, str] = {}

    def rows(self, kinds: Sequence[str]) -> Iterator[AuditRow]:
        after = 0
        while rows := self._session.store.read_log(after=after, limit=_PAGE, kinds=kinds):
            for row in rows:
                after = row.position
                found = [told for event in row.events for told in self._told(row, event)]
                if found:
                    chain = self._chain(row)
                    yield from (msgspec.structs.replace(each, chain=chain) for each in found)

    def _told(self, row: Row, event: Event) -> Iterator[AuditRow]:
        if row.kind == KIND:
            if not is_deed(event):
                return
            told = of_request(self._timeline(row), event.revision)
        else:
            # The ledger hears all, also what nobody is told of.
            ledger = self._ledgers.setdefault(row.stream, Ledger())
            told = of_log(event, ledger.hear(event))
            if isinstance(event.data, HandlerDeployed):
                self._manifests[event.key or ""] = event.data.manifest
            if not is_deed(event):
                return
        told = msgspec.structs.replace(told, manifest=self._manifests.get(told.version, ""))
        if matches(self._wanted, AuditSubject(told, event), AUDIT_FIELDS, self._now_us):
            yield told

    def _timeline(self, row: Row) -> Timeline:
        known = self._requests.get(row.stream)
        if known is None or known.last < row.last:
            alone = row.first == 1 and row.closes
            events = row.events if alone else self._session.store.read(row.stream)
            known = Timeline(row.stream, with_forgotten(events, self._session.store))
            self._requests[row.stream] = known
            if len(self._requests) > _KEPT:
                self._requests.popitem(last=False)
        return known

    def _chain(self, row: Row) -> str:
        """Return the chain value of *row*, which ties what it holds to the log."""
        cursor = self._session.store.cursor_at(row.position + len(row.events) - 1)
        return next((mark.chain.hex() for mark in cursor.marks.values()), "")
