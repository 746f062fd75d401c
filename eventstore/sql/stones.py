"""Hold the tombstones of a log to what they stand for, and to the facts that tell of them.

Source: AR-2, CH-5.
"""

from collections import defaultdict

import msgspec
import sqlalchemy as sa

from eventstore import retention
from eventstore.events import Verdict
from eventstore.identifiers import Position
from eventstore.names import Name
from eventstore.retention import PrunedFact
from eventstore.sql import seal_table
from eventstore.sql.history import END_OF_TIME, History, Tombstone


def fault_of(
    connection: sa.Connection, history: History, names: list[Name], verdict: Verdict
) -> Verdict | None:
    """Return *verdict* with the first tombstone at fault in it; None: all are in order.

    Args:
        connection: to the store, in a transaction.
        history: of the store.
        names: of the log.
        verdict: of the rows up to its end, without a fault.
    """
    found = history.tombstones(connection, 1, END_OF_TIME)
    bad = [
        (stone, "missing", "It does not say what stood there.")
        for stone in found if not _says_what_stood(connection, history, stone)
    ] + [
        (stone, "missing", "Rows are gone, and no fact tells of it.")
        for stone in _untold(connection, names, found)
    ] + [
        (stone, "seal", "What stood there left the file sealed, and no seal goes so far.")
        for stone in _beyond_the_seals(connection, found)
    ]  # fmt: skip
    if not bad:
        return None
    stone, fault, detail = min(bad, key=lambda each: each[0].first_pos)
    return msgspec.structs.replace(
        verdict, fault=fault, position=Position(stone.first_pos),
        verified_to=Position(stone.first_pos - 1), detail=detail,
    )  # fmt: skip


def _beyond_the_seals(connection: sa.Connection, found: list[Tombstone]) -> list[Tombstone]:
    """Return the tombstones of rows whose seal was taken away: only what is sealed leaves."""
    seal = seal_table.last(connection)
    sealed_to = seal.last_pos if seal is not None else 0
    return [stone for stone in found if stone.last_pos > sealed_to]


def _says_what_stood(connection: sa.Connection, history: History, stone: Tombstone) -> bool:
    row = history.row_at(connection, stone.last_pos)
    said = (stone.last_pos + 1, stone.epoch, stone.chain)
    return row is not None and (row.next_pos, row.epoch, row.chain) == said


def _untold(
    connection: sa.Connection, names: list[Name], found: list[Tombstone]
) -> list[Tombstone]:
    """Return the tombstones of dropped rows that are not those a fact was about."""
    facts = dict(seal_table.placed_facts(connection, names, retention.PRUNED, PrunedFact))
    by_fact: dict[int, list[Tombstone]] = defaultdict(list)
    for stone in found:
        if stone.segment is None:
            by_fact[stone.event_pos].append(stone)
    return [
        stone
        for position, stones in by_fact.items()
        if position not in facts or facts[position].digest != _digest(stones)
        for stone in stones
    ]


def _digest(stones: list[Tombstone]) -> str:
    return retention.digest_of(
        (stone.first_pos, stone.last_pos, stone.gone or b"") for stone in stones
    )
