"""A process is killed in the midst of its messages; the next one goes on."""

import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests import warm
from tests.contracts.source import ROOT
from tests.faces.servers import reading


@pytest.mark.proves("QF-4", "QF-9", "X8")
def test_a_kill_within_a_delivery_or_before_its_commit_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/queue.db"

    def run(dies_at: str, publishes: int) -> int:
        command = [warm.python(), "-m", "tests.faces.killed_queue", url, dies_at, str(publishes)]
        done = subprocess.run(command, cwd=ROOT, check=False, timeout=60, stderr=subprocess.PIPE)
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.returncode

    assert run("handler:1", 6) == -signal.SIGKILL
    assert run("cleanup:3", 0) == -signal.SIGKILL
    assert run("nowhere", 0) == 0

    with reading(url) as store:
        assert store.verify().fault is None
        events = [each for row in store.read_log(limit=256) for each in row.events]
    published = {
        f"{each.stream.hex}@{each.revision}": each.data.payload
        for each in events
        if each.type == "message.published"
    }
    taken = Counter(each.key for each in events if each.type == "message.acknowledged")
    assert sorted(published.values()) == list(range(6))
    assert taken == Counter(list(published)), "each counts once"
    kept = Counter(each.data.value for each in events if each.type == "context.set")
    assert kept == Counter(range(6)), "what a killed attempt did is not in the log"
    attempts = [each.data.messages for each in events if each.type == "message.claimed"]
    tries = Counter(published[id_] for claimed in attempts for id_, _ in claimed)
    assert tries == Counter({0: 1, 1: 2, 2: 1, 3: 2, 4: 1, 5: 1})
    crashed = [each for each in events if each.type == "message.failed"]
    assert [(published[e.key or ""], e.data.reason) for e in crashed] == [
        (1, "crash"), (3, "crash"),
    ]  # fmt: skip
