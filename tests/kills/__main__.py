"""`make kill`: kills, faults and power cuts, and the tables of docs/durability.md.

`python -m tests.kills [A_POINT [AT_RANDOM [EVERY [IMAGES]]]]`: kills a point and at random times,
one fault in each EVERY calls, images of a power cut a level; 200, 500, 1 and 450 without. Each
processor does its share, with a launcher and stores of its own. A store that is not what it
must be ends it with what was found.
"""

import shutil
import sys
from collections.abc import Sequence
from functools import partial

from tests.kills import faults, matrix, power
from tests.kills.faults import SWEEPS, Met
from tests.kills.shares import cut, failing, killed, together

DEFAULTS = (200, 500, 1, 450)


def by_name(met: Sequence[tuple[str, Met]]) -> dict[str, list[Met]]:
    return {name: [each for of, each in met if of == name] for name in SWEEPS}


def tell(table: str) -> None:
    sys.stdout.write(f"{table}\n")
    sys.stdout.flush()


def main() -> None:
    words = [int(word) for word in sys.argv[1:]]
    a_point, at_random, every, images = (*words, *DEFAULTS[len(words) :])
    if shutil.which("strace") is None:
        sys.stderr.write("strace is not there: no faults, no power cuts\n")
    else:
        tell(power.table(together(partial(cut, images=images))))
        tell(faults.table(by_name(together(partial(failing, every=every)))))
    kills = together(partial(killed, a_point=a_point, at_random=at_random))
    tell(f"{len(kills):,} kills\n\n{matrix.table(kills)}")


if __name__ == "__main__":
    main()
