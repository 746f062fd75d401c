"""How SQLite finds what folds ask for: by an index, without sorting."""

import sqlite3
from pathlib import Path

import pytest

from eventstore.sql import keyframes, reader
from eventstore.sql.texts import spelled
from tests.eventstore.keeping import Growing, opened

QUERIES = {
    "newest": (keyframes.NEWEST, ("aa", "aa", b"", 9)),
    "chain": (keyframes.CHAIN, ("aa", 9)),
    "drop after": (keyframes.DROP_AFTER, ("aa", 9, b"")),
    "of a reducer": (keyframes.COUNT, (1,)),
    "drop some": (keyframes.DROP_SOME, (1,)),
    "rows": (reader._PAGE, ("aa", 1, 9)),
}


@pytest.mark.proves("KM-8")
@pytest.mark.parametrize("name", QUERIES)
def test_what_a_fold_asks_for_is_found_by_an_index(tmp_path: Path, name: str) -> None:
    with opened(tmp_path, Growing()):
        pass
    connection = sqlite3.connect(f"{tmp_path}/store.db")
    text, parameters = QUERIES[name]
    sql = spelled(text, "sqlite")
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
    connection.close()
    steps = [step for step in plan if "SUBQUERY" not in step]

    assert steps
    assert all(step.startswith("SEARCH") for step in steps), plan
    assert all("USING" in step for step in steps), plan
