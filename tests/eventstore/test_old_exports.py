"""Exports that an older version wrote are read; ones that somebody changed are not."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from eventstore import NEW, EventStoreError
from eventstore.sql import open_export, verify_export
from eventstore.sql.tables import REVISIONS
from eventstore.testing import FakeClock, FakeIds, registry, several, stream
from tests.eventstore.altered import opened
from tests.migrations.old_stores import move_back


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    with opened(folder / "store.db") as store:
        store.append(stream(1), several(3), kind="order", expected=NEW, close=True).result()
        store.export(str(folder / "export.tsx"))
    return folder / "export.tsx"


@pytest.mark.proves("AR-4", "AL-4")
@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_an_export_of_an_older_version_is_read(export: Path, tmp_path: Path, revision: str) -> None:
    file = Path(shutil.copy(export, tmp_path / "old.tsx"))
    move_back(file, revision)

    with open_export(file, "old", registry=registry(), clock=FakeClock(), ids=FakeIds()) as store:
        assert [event.revision for event in store.read(stream(1))] == [1, 2, 3]
        assert store.verify().fault is None
    assert verify_export(file).fault is None


@pytest.mark.proves("AR-4")
def test_an_export_with_a_table_of_somebody_elses_is_not(export: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(export, tmp_path / "odd.tsx"))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE VIEW mine AS SELECT 1")
    with pytest.raises(EventStoreError) as refused:
        open_export(file, "odd", registry=registry(), clock=FakeClock(), ids=FakeIds())
    assert refused.value.code == "not-an-export"
