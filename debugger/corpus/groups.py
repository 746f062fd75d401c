"""Requests of a corpus by what happened to them first (RP-4). Pure."""

from collections.abc import Iterable

import msgspec

from debugger.corpus.verdicts import Row


class Group(msgspec.Struct, frozen=True):
    """Requests that part from their records in the same way."""

    count: int
    example: str
    """The first of them."""
    verdict: str
    difference: str
    fact: str
    name: str
    path: str
    recorded: str
    replayed: str
    problem: str


def grouped(rows: Iterable[Row]) -> list[Group]:
    """Put each row into one group; the largest first, of equal ones the first that came."""
    members: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        members.setdefault(_way(row), []).append(row)
    groups = [Group(len(same), same[0].request, *way) for way, same in members.items()]
    return sorted(groups, key=lambda group: -group.count)


def _way(row: Row) -> tuple[str, ...]:
    return (
        row.verdict, row.difference, row.fact, row.name, row.path, row.recorded, row.replayed,
        row.problem,
    )  # fmt: skip
