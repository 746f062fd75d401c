"""`--follow`: what comes is printed as it comes, by real processes beside one that writes."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from debugger.cli.exits import Exit
from debugger.session import request_id
from eventstore import StreamId
from tests import warm
from tests.debugger.stores import START_US, CountedIds, Story, Ticks, record, shop, sqlite_store


@contextmanager
def following(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Run `timescape` in a process of its own, as far as it says that it follows."""
    command = [*warm.program(), *words, "--follow"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stderr is not None
            for line in child.stderr:
                if "Following; ctrl+c ends it." in line:
                    break
            yield child
        finally:
            child.kill()


def next_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


@pytest.mark.proves("CL-2", "CL-3", "SB-1")
def test_requests_that_come_are_followed_until_ctrl_c(tmp_path: Path) -> None:
    ids = CountedIds(0xC000)
    with sqlite_store(tmp_path / "shop.db") as store:
        shop(store)
        words = ["requests", "method:GET", "--limit", "1", "--json", "--store", store.url]
        with following(*words) as child:
            before = json.loads(next_line(child))
            for path in ("/late", "/later"):
                other = Story().received("PUT /other", "/other").sent()
                record(store, other, stream=StreamId(ids.uuid7(START_US)))
                new = Story().received(f"GET {path}", path).sent()
                record(store, new, stream=StreamId(ids.uuid7(START_US)))
                told = json.loads(next_line(child))
                assert (told["kind"], told["path"], told["status"]) == ("request", path, 200)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate()

    assert before["method"] == "GET"
    assert (child.returncode, out, err) == (Exit.INTERRUPTED, "", "Interrupted.\n")


@pytest.mark.proves("CL-2", "CL-4", "SB-1")
def test_facts_that_come_are_followed_until_the_request_ends(tmp_path: Path) -> None:
    with sqlite_store(tmp_path / "shop.db") as store:
        running = shop(store).running
        head = store.head(running).revision
        with following("log", request_id(running), "--plain", "--store", store.url) as child:
            told = [next_line(child) for _ in range(head)]
            other = Story().received("PUT /other", "/other").sent()
            record(store, other, stream=StreamId(CountedIds(0xC000).uuid7(START_US)))
            more = Story(Ticks(START_US + 10**9)).set("cart", 1).sent(200)
            for number, event in enumerate(more.events):
                store.append(
                    running, [event], kind="request", expected=head + number, close=number == 1
                ).result()
                told.append(next_line(child))
            out, err = child.communicate()

    assert (child.returncode, out, err) == (Exit.OK, "", "")
    assert told[-2:] == [
        '#8 of 8. The handler shop.fill_cart set /cart from {"lines": []} to 1.\n',
        "#9 of 9. The answer 200 was sent.\n",
    ]
