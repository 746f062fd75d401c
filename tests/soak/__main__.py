"""`make soak`: append 10 million events, and print the row of docs/durability.md.

`python -m tests.soak [EVENTS]`. It ends with 1 if something is not as it must be.
"""

import logging
import sys
import tempfile
import time
from pathlib import Path

from eventstore.testing import several
from tests.soak.soaking import faults, soak

A_COMMIT = 12


def main() -> int:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    logging.getLogger("eventstore").setLevel(logging.ERROR)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        soaked = soak(Path(folder, "store.db"), events // A_COMMIT, several(A_COMMIT))
    stuck = max(each.wal for each in soaked.while_stuck)
    after = max(each.wal for each in soaked.after_cut)
    sys.stdout.write(
        f"{time.monotonic() - began_s:.0f} s\n\n"
        "| events | log beside a stuck reader | log after it was cut | memory after 20 % |"
        " bytes an event |\n|---|---|---|---|---|\n"
        f"| {soaked.events:,} | {stuck >> 20} MiB | ≤ {after >> 20} MiB |"
        f" ± {soaked.memory_changed:.1%} | {soaked.bytes_an_event:.1f} |\n"
    )
    found = list(faults(soaked))
    for fault in found:
        sys.stderr.write(f"{fault}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
