"""`make kill`: kill at every point and at random times, and print the table of docs/durability.md.

`python -m tests.kills [A_POINT [AT_RANDOM]]`; 200 and 500 without. A store that is not what it
must be ends it with what was found.
"""

import logging
import sys
import tempfile
import time
from pathlib import Path

from eventstore.sql.points import POINTS
from tests.kills.launcher import Launcher
from tests.kills.matrix import Kill, Matrix, table


def main() -> None:
    words = [int(word) for word in sys.argv[1:]]
    a_point, at_random = words[0] if words else 200, words[1] if len(words) > 1 else 500
    # Each store is opened some thousand times: warn of its SQLite once, not each time.
    logging.getLogger("eventstore").setLevel(logging.ERROR)
    began_s = time.monotonic()
    kills: list[Kill] = []
    with tempfile.TemporaryDirectory() as folder, Launcher() as launcher:
        matrix = Matrix(Path(folder), launcher, seed=2)
        for point in POINTS:
            kills += matrix.at_point(point, a_point)
            told = f"{point}: {a_point} kills, {time.monotonic() - began_s:.0f} s so far\n"
            sys.stderr.write(told)
        kills += matrix.at_random(at_random)
    sys.stdout.write(f"{len(kills):,} kills, {time.monotonic() - began_s:.0f} s\n\n{table(kills)}")


if __name__ == "__main__":
    main()
