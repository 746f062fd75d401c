"""`make kill`: kills, faults and power cuts, and the tables of docs/durability.md.

`python -m tests.kills [A_POINT [AT_RANDOM [EVERY [IMAGES]]]]`: kills a point and at random times,
one fault in each EVERY calls, images of a power cut a level; 200, 500, 1 and 450 without. A store
that is not what it must be ends it with what was found.
"""

import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from eventstore.sql.points import POINTS
from tests.kills import faults, matrix, power
from tests.kills.faults import SWEEPS, Faults, Met
from tests.kills.launcher import Launcher
from tests.kills.matrix import Kill, Matrix
from tests.kills.power import Cut

DEFAULTS = (200, 500, 1, 450)
LIVES = 3
"""Recorded lives of a store that are cut, a level."""


def killed(folder: Path, launcher: Launcher, a_point: int, at_random: int) -> str:
    kills = Matrix(folder, launcher, seed=2)
    done: list[Kill] = []
    for point in POINTS:
        done += kills.at_point(point, a_point)
        say(f"{point}: {a_point} kills")
    done += kills.at_random(at_random)
    return f"{len(done):,} kills\n\n{matrix.table(done)}"


def failing(folder: Path, launcher: Launcher, every: int) -> str:
    met: dict[str, list[Met]] = {}
    faulty = Faults(folder, launcher)
    for name, fault in SWEEPS.items():
        met[name] = list(faulty.sweep(fault, every))
        say(f"{name}: {len(met[name])} times")
    return faults.table(met)


def cut(folder: Path, launcher: Launcher, images: int) -> str:
    done: list[Cut] = []
    for level in power.LEVELS:
        for life in range(LIVES):
            lived, work = folder / f"{level}-{life}", folder / "cut"
            lived.mkdir()
            work.mkdir(exist_ok=True)
            recording = power.record(launcher, lived, level, seed=50 + life)
            done += power.cuts(recording, -(-images // LIVES), work)
        say(f"{level}: {images} images")
    return power.table(done)


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def main() -> None:
    words = [int(word) for word in sys.argv[1:]]
    a_point, at_random, every, images = (*words, *DEFAULTS[len(words) :])
    # Each store is opened some thousand times: warn of its SQLite once, not each time.
    logging.getLogger("eventstore").setLevel(logging.CRITICAL)
    parts: list[Callable[[Path, Launcher], str]] = [
        lambda folder, launcher: killed(folder, launcher, a_point, at_random)
    ]
    if shutil.which("strace") is None:
        say("strace is not there: no faults, no power cuts")
    else:
        parts.append(lambda folder, launcher: failing(folder, launcher, every))
        parts.append(lambda folder, launcher: cut(folder, launcher, images))
    for part in reversed(parts):
        with tempfile.TemporaryDirectory() as folder, Launcher() as launcher:
            sys.stdout.write(f"{part(Path(folder), launcher)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
