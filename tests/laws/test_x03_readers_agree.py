"""X3: whoever reads up to the same position has the same routes, byte for byte."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Event, NewEvent, Store
from eventstore.sql import open_store
from runtime.app.log import open_log
from runtime.context import CONTROL, registry
from runtime.control import Board, control_stream, read_table, table_at
from runtime.effects import SystemIds, system_clock
from runtime.errors import PositionOutOfRange
from runtime.timescape import TABLE_REDUCER, RouteTable, fold_table
from tests.routes import HANDLER, deployed, histories, history, version_id

NAMES = itertools.count(1)


class Stores:
    """A log that one process writes and another one reads."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder}/log.db"
        self.holder = open_log(url, ids=SystemIds(), durability="volatile")
        self.reader: Store = open_store(
            url, mode="read", registry=registry(), clock=system_clock, ids=SystemIds()
        )


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    made = Stores(tmp_path_factory.mktemp("agree"))
    yield made
    made.reader.close()
    made.holder.close()


def append(store: Store, app: str, events: list[Event], expected: int) -> int:
    """Append *events* as they are; give the log's end."""
    new = [NewEvent(event.type, event.data, event.key, event.at_us) for event in events]
    if new:
        stream = control_stream(app)
        store.append(stream, new, kind=CONTROL.name, expected=expected).result()
    return store.end()


def bytes_of(table: RouteTable) -> bytes:
    return TABLE_REDUCER.dump(table)


@pytest.mark.proves("X3", "TS-5", "TS-8")
@given(events=histories(most=12), data=st.data())
def test_x03_readers_at_one_position_agree(
    stores: Stores, events: list[Event], data: st.DataObject
) -> None:
    """Seen to fail with the last fact of the known table folded once more at each look."""
    app = f"app-{next(NAMES)}"
    stream = control_stream(app)
    cut = data.draw(st.integers(0, len(events)))
    board = Board(stores.holder, stream)
    between = append(stores.holder, app, events[:cut], 0)
    board.refresh()
    half = board.table
    append(stores.holder, app, events[cut:], cut)
    board.refresh()

    assert bytes_of(board.table) == bytes_of(read_table(stores.reader, stream))
    assert bytes_of(half) == bytes_of(table_at(stores.reader, stream, position=between))
    assert [r.line for r in board.table] == [r.line for r in fold_table(events)]


@pytest.mark.proves("X3", "TS-9")
def test_x03_after_a_restart_and_from_kept_folds_the_table_is_the_same(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    stream = control_stream("shop")
    many = history(*(deployed(number, tags=("stable",)) for number in range(1, 301)))
    with open_log(url, ids=SystemIds(), durability="volatile") as store:
        for first in range(0, len(many), 50):
            append(store, "shop", many[first : first + 50], first)
        before = bytes_of(read_table(store, stream))

    with open_log(url, ids=SystemIds(), durability="volatile") as store:
        again = read_table(store, stream)
        whole = fold_table(store.read(stream))

    assert bytes_of(again) == before == bytes_of(whole)
    assert again.handlers[HANDLER].tagged("stable") == version_id(300)


@pytest.mark.proves("TS-5")
def test_a_position_behind_the_end_is_refused(stores: Stores) -> None:
    with pytest.raises(PositionOutOfRange, match="no position"):
        table_at(stores.reader, control_stream("any"), position=stores.reader.end() + 1)
