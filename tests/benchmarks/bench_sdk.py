"""What a generated client costs a program that only imports it.

Processor time of a fresh interpreter that imports the client of the demo's shop, msgspec
included, less that of one that imports nothing. httpx comes with the first client that is made.
"""

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.measure import RUNS, Row, tell, within

LIMIT_MS = 100.0
PACKAGE = "timescape_demo_shop_client"
FOLDER = Path(__file__).parents[1] / "generated"
_TIMED = "import time; {what}; print(time.process_time())"


def rows() -> list[Row]:
    measured = []
    for number in range(RUNS + 1):
        tell(f"import of a generated client: round {number} of {RUNS}")
        measured.append(_cpu_ms(f"import {PACKAGE}") - _cpu_ms("pass"))
    return [within("import of a generated client", measured[1:], unit="ms", limit=LIMIT_MS)]


def _cpu_ms(what: str) -> float:
    words = [sys.executable, "-c", _TIMED.format(what=what)]
    done = subprocess.run(words, cwd=FOLDER, capture_output=True, check=True, text=True)
    return float(done.stdout) * 1_000
