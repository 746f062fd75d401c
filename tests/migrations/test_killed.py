"""An upgrade that is killed leaves the old tables or the new ones, and can be run again."""

import itertools
import signal
from pathlib import Path

import pytest

from eventstore import sql
from eventstore.sql.tables import REVISIONS
from tests.kills.checks import check_upgraded
from tests.kills.launcher import SURVIVED, Launcher, Order
from tests.migrations.old_stores import catalogue, old_store, url


@pytest.mark.proves("AL-2", "KM-2")
def test_an_upgrade_killed_before_any_statement_leaves_the_old_tables(tmp_path: Path) -> None:
    # A transaction a revision: killed in the second step, the first one stays.
    tables = {at: catalogue(old_store(tmp_path / f"{at}.db", at)) for at in REVISIONS[:-1]}
    killed = 0
    with Launcher() as launcher:
        for count in itertools.count(1):
            path = old_store(tmp_path / f"store-{count}.db")
            order = Order(str(path), "upgrade", count, point="statement", count=count)
            ended = launcher.run(order).ended
            if ended == SURVIVED:
                break
            assert ended == -signal.SIGKILL
            assert catalogue(path) == tables[sql.current(url(path))]
            check_upgraded(path)
            killed += 1

    assert killed > 10, "the upgrade has more statements than that"
