"""The texts that write rows: whatever they spell out, the same rows stand in the table."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.chain import CODEC
from eventstore.sql import inserts

NUMBER = st.integers(0, 2**63 - 1)
HASH = st.binary(min_size=32, max_size=32)
ID = st.uuids().map(lambda each: each.hex)
FORK = st.tuples(ID, NUMBER)
ROWS = st.lists(
    st.tuples(
        NUMBER, NUMBER, ID, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER,
        st.binary(min_size=16, max_size=16), st.none() | FORK, st.text(), st.binary(), HASH, HASH,
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


def row(drawn: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give a row as a plan does."""
    return (*drawn[:10], *(drawn[10] or (None, None)), CODEC, *drawn[11:])


def written(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        columns = ",".join(f"c{number}" for number in range(17))
        connection.execute(f"CREATE TABLE commits ({columns})")
        connection.execute(*inserts.of(rows))
        return connection.execute("SELECT * FROM commits ORDER BY rowid").fetchall()


@pytest.mark.proves("WR-2")
@given(drawn=ROWS)
def test_what_a_flush_writes_is_what_was_planned(drawn: list[tuple[Any, ...]]) -> None:
    rows = [row(each) for each in drawn]

    assert written(rows) == rows


@pytest.mark.proves("WR-2")
def test_a_flush_of_the_most_rows_is_one_text_with_forks_and_without() -> None:
    plain = (1, 1, "a", 1, 1, 1, 0, 5, 5, b"c", None, None, CODEC, "[]", b"s", b"d", b"h")
    fork = (*plain[:10], "parent", 7, *plain[12:])
    many = [plain] * inserts.FLUSH_ROWS

    assert written(many) == many
    assert written([*many[1:], fork]) == [*many[1:], fork]
