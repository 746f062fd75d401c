"""Requests of a corpus by what happened to them first (RP-4). Pure."""

from collections.abc import Iterable

import msgspec

from debugger.corpus.verdicts import Row


class Group(msgspec.Struct, frozen=True):
    """Requests that part from their records in the same way."""

    count: int
    verdict: str
    difference: str
    fact: str
    name: str
    path: str
    recorded: str
    replayed: str
    problem: str
    example: str
    """The first of them."""


def grouped(rows: Iterable[Row]) -> list[Group]:
    """Put each row into one group; the largest first, of equal ones the first that came."""
    members: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        members.setdefault(_way(row), []).append(row)
    groups = [Group(len(rows), *way, example=rows[0].request) for way, rows in members.items()]
    return sorted(groups, key=lambda group: -group.count)


def _way(row: Row) -> tuple[str, ...]:
    return (
        row.verdict, row.difference, row.fact, row.name, row.path, row.recorded, row.replayed,
        row.problem,
    )  # fmt: skip
