"""What a flush sends: a statement for one row, one for many, a transaction for very many."""

import pytest
import sqlalchemy as sa

from eventstore import NEW, EventStoreError
from eventstore.sql import keyframes, reader
from eventstore.sql.history import _LAST, _TOMBSTONE
from eventstore.sql.postgres import statements
from eventstore.sql.texts import run
from eventstore.testing import placed, stream
from tests.eventstore.on_postgres import opened
from tests.eventstore.test_postgres import connection, placed_rows  # noqa: F401 - a fixture
from tests.postgres import Server


@pytest.mark.proves("PG-1")
def test_one_row_and_many_are_a_prepared_text_each(connection: sa.Connection) -> None:  # noqa: F811
    """However many: they travel as arrays, in binary form."""
    rows = placed_rows([(1, 2, 0, 0, 0, bytes(16), None, "", bytes(32))] * 133)
    prepared = "SELECT statement, parameter_types::text[] FROM pg_prepared_statements"
    connection.exec_driver_sql("BEGIN")
    for first, last in ((0, 1), (1, 3), (3, 4), (4, 132), (132, 133)):
        text, parameters = statements.append(rows[first:last], extend_lease=False)
        assert connection.exec_driver_sql(text, parameters).rowcount == last - first
        assert isinstance(parameters[4], list) == (last - first > 1)
    found = connection.exec_driver_sql(prepared).all()
    ours = [types for text, types in found if text.startswith("WITH moved")]
    connection.exec_driver_sql("ROLLBACK")

    assert sorted("bytea[]" in types for types in ours) == [False, True]


@pytest.mark.proves("ES-5", "LG-5")
@pytest.mark.parametrize("mode", ["hold", "guest", "join"])
def test_a_commit_of_very_many_rows_is_one_transaction(postgres: Server, mode: str) -> None:
    """Of whoever appends: another one may come between two statements."""
    url = postgres.cleared()
    opened(url, seed=1 << 40).close()
    events = [placed(n, item="x" * 900) for n in range(9_600)]
    with opened(url, mode=mode, seed=1 << 41) as first:
        # Of nodes, the one that does not hold the log.
        store = opened(url, mode=mode, seed=1 << 42) if mode == "join" else first
        store.append(stream(1), events, kind="order", expected=NEW).result()
        store.close()
    found = postgres.sql(
        "SELECT count(*), count(DISTINCT xmin::text) FROM timescape.commits WHERE kind = 2", url
    )

    assert int(str(found[0][0])) > 128
    assert found[0][1] == 1


QUERIES = {
    "rows of a stream": (reader._PAGE, (stream(1).hex, 1, 9)),
    "ends of a stream": (reader._ENDS, (stream(1).hex, stream(1).hex)),
    "row before": (_LAST, (9,)),
    "tombstone": (f"{_TOMBSTONE} WHERE {{log}} first_pos <= ? ORDER BY 1 DESC", (9,)),
    "page of the log": (
        "SELECT pos FROM commits WHERE {log} pos > ? ORDER BY pos LIMIT ?", (9, 256)
    ),
    "forks": ("SELECT pos, stream FROM commits WHERE parent = ?", (stream(1).hex,)),
    "newest keyframe": (keyframes.NEWEST, (stream(1).hex, stream(1).hex, b"", 9)),
    "cursor": ("SELECT position FROM cursors WHERE name = ? AND log = ?", ("a", stream(1).hex)),
    "event of a stream": ("SELECT position FROM events WHERE stream = ?", (stream(1).hex,)),
}  # fmt: skip


@pytest.mark.proves("KM-8")
@pytest.mark.parametrize("name", QUERIES)
def test_what_is_asked_for_is_found_by_an_index(connection: sa.Connection, name: str) -> None:  # noqa: F811
    """On tables of any size: these here are empty, so scans are made dear."""
    text, values = QUERIES[name]
    connection.exec_driver_sql("SET enable_seqscan = off")
    plan = list(run(connection, f"EXPLAIN {text}", values).scalars())
    connection.exec_driver_sql("RESET enable_seqscan")
    scans = [step for step in plan if " Scan" in step and "Function Scan" not in step]

    assert any("Index" in step for step in scans), plan
    assert not [step for step in plan if "Seq Scan on commits" in step], plan
    # Those of partitions are merged in order; of keyframes an empty table has none to sort.
    assert not [step for step in plan if "->  Sort " in step] or name == "newest keyframe", plan


@pytest.mark.proves("WR-9", "ES-3")
def test_a_database_that_contradicts_itself_makes_nobody_wait_for_ever(postgres: Server) -> None:
    """Whatever is looked up, each further row is refused as one that is there already."""
    url = postgres.cleared()
    with opened(url, seed=1 << 40) as store:
        store.append(stream(1), [placed()], kind="order", expected=NEW).result()
        ((where,),) = postgres.sql(
            "SELECT tableoid::regclass::text FROM timescape.commits WHERE kind = 2", url
        )
        postgres.sql(f"CREATE UNIQUE INDEX one ON {where} (kind) WHERE kind = 2", url)
        ticket = store.append(stream(1), [placed()], kind="order", expected=1)
        try:
            with pytest.raises(EventStoreError) as refused:
                ticket.result(timeout_s=60)
        finally:
            postgres.sql("DROP INDEX timescape.one", url)
        assert refused.value.code in {"commit-unknown", "log-failed"}
        assert [event.revision for event in store.read(stream(1))] == [1]
