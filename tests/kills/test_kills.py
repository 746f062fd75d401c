"""A store survives the death of its process at any point, whole, with all it acknowledged.

Four kills a point and 12 at random times; `make kill` does 200 and 500.
"""

from collections.abc import Iterator

import pytest

from eventstore.sql.points import POINTS
from tests.kills.launcher import Launcher
from tests.kills.matrix import LEVELS, Matrix

A_POINT, AT_RANDOM = 4, 12


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with Launcher() as launcher:
        yield launcher


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory, launcher: Launcher) -> Matrix:
    return Matrix(tmp_path_factory.mktemp("kills"), launcher)


@pytest.mark.proves("KM-1", "KM-2", "KM-4", "KM-6")
@pytest.mark.parametrize("point", POINTS)
def test_a_store_survives_kills_at_a_point(matrix: Matrix, point: str) -> None:
    kills = list(matrix.at_point(point, A_POINT))

    assert len(kills) == A_POINT
    assert {kill.durability for kill in kills} == ({"bounded"} if "sync" in point else {*LEVELS})


@pytest.mark.proves("KM-1", "KM-4", "KM-6")
def test_a_store_survives_kills_at_any_time(matrix: Matrix) -> None:
    kills = list(matrix.at_random(AT_RANDOM))

    assert [kill.point for kill in kills] == ["at random"] * AT_RANDOM
