"""An upgrade that is killed leaves the old tables or the new ones, and can be run again."""

import itertools
import signal
from pathlib import Path

import pytest

from eventstore import sql
from tests.kills.checks import check_upgraded
from tests.kills.launcher import SURVIVED, Launcher, Order
from tests.migrations.old_stores import OLDEST, catalogue, old_store, url


@pytest.mark.proves("AL-2", "KM-2")
def test_an_upgrade_killed_before_any_statement_leaves_the_old_tables(tmp_path: Path) -> None:
    killed = 0
    with Launcher() as launcher:
        for count in itertools.count(1):
            path = old_store(tmp_path / f"store-{count}.db")
            before = catalogue(path)
            order = Order(str(path), "upgrade", count, point="statement", count=count)
            ended = launcher.run(order).ended
            if ended == SURVIVED:
                break
            assert ended == -signal.SIGKILL
            assert sql.current(url(path)) == OLDEST
            assert catalogue(path) == before
            check_upgraded(path)
            killed += 1

    assert killed > 10, "the upgrade has more statements than that"
