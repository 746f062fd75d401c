"""`timescape serve --nats`: what one process publishes, another one of another store handles."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from eventstore import Store
from tests import nats, warm
from tests.faces.command_line import run
from tests.faces.servers import ROOT, free_port, reading

DEADLINE_S = 30


@contextmanager
def serving(app: str, folder: Path, *more: str) -> Iterator[httpx.Client]:
    """Serve an app of `shared_apps` from its own store; give who asks it."""
    port = free_port()
    words = ["serve", f"tests.faces.shared_apps:{app}", "--port", str(port), *more]
    with (folder / f"{app}.txt").open("wb") as said:
        process = subprocess.Popen(
            [*warm.program(), *words, "--store", f"sqlite:///{folder}/{app}.db"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, trust_env=False, timeout=DEADLINE_S) as client:
            yield client
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def eventually(holds: Callable[[], object], what: str) -> None:
    until = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < until, f"waited for: {what}"
        time.sleep(0.02)


def connected(folder: Path, app: str) -> None:
    """Wait until an app listens, and carries what is published from then on."""
    said = folder / f"{app}.txt"
    eventually(lambda: b"listens on" in said.read_bytes(), f"{app} listens")
    with reading(f"sqlite:///{folder}/{app}.db") as store:
        eventually(lambda: carries(store), f"{app} is connected")


def carries(store: Store) -> bool:
    """Say whether the log tells that what is published from now on is carried."""
    rows = store.read_log(kinds=["queue"])
    return any(event.type == "relay.advanced" for row in rows for event in row.events)


@pytest.mark.proves("SO-6", "QF-2", "QF-9")
def test_what_is_published_in_one_process_is_handled_in_the_other_whatever_becomes_of_nats(
    tmp_path: Path,
) -> None:
    with nats.server() as carrier, ExitStack() as both:
        shop = both.enter_context(serving("shop", tmp_path, "--nats", carrier.url))
        post = both.enter_context(serving("post", tmp_path, "--nats", carrier.url))
        connected(tmp_path, "shop")
        connected(tmp_path, "post")

        def order(number: int) -> int:
            return shop.post("/orders", json={"order": number}).status_code

        def heard() -> list[int]:
            found: list[int] = post.get("/heard").json()
            return found

        assert order(1) == 204
        eventually(lambda: heard() == [1], "the first order")
        carrier.kill()
        assert [order(2), order(3)] == [204, 204]
        carrier.start()
        assert order(4) == 204
        eventually(lambda: len(heard()) >= 4, "those that were placed without NATS")

        assert heard() == [1, 2, 3, 4]
    (line,) = run("queue", "--json", "--store", f"sqlite:///{tmp_path}/post.db").records
    assert (line["subscriber"], line["counts"]["acknowledged"], line["depth"]) == ("mailer", 4, 0)
