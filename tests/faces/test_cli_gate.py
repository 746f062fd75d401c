"""`timescape gate` and gates of real processes (CL-13, GA-1, GA-10, GA-11, TT-6)."""

import asyncio
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from debugger.cli.exits import Exit
from debugger.cli.opening import SqlStores
from debugger.errors import AlreadyReleasedError
from debugger.session.gates import GateDesk, address_of
from runtime import App
from runtime.app.admin import Admin
from runtime.app.life import ControlLog
from runtime.control import control_stream
from runtime.effects import system_clock
from runtime.gate_facts import GatesOpened
from runtime.gates import PauseView, Wanted
from runtime.lifecycle.editing import SetState
from tests import warm
from tests.faces.asgi import memory_store
from tests.faces.command_line import run
from tests.faces.test_cli_serve import free_port, served

T = TypeVar("T")
APP = """
from runtime import App, LocalContext

app = App("shop")

@app.handler("GET /total/{name}")
async def total(lctx: LocalContext) -> dict[str, int]:
    lctx.set("total", 400)
    await lctx.sleep(0.0)
    return {"total": lctx.get("total")}
"""


class Shop:
    """A served app with gates."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.store = ("--store", f"sqlite:///{folder}/a.db")
        self.pool = ThreadPoolExecutor(4)

    def ask(self, name: str) -> Future[httpx.Response]:
        return self.pool.submit(httpx.get, f"{self.url}/total/{name}", trust_env=False, timeout=60)

    def desk(self, by: str) -> GateDesk:
        with SqlStores().session(self.store[1]) as session:
            return GateDesk(address_of(session), None, owner=by, by=by)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("gated")
    (folder / "shop.py").write_text(APP)
    port = free_port()
    with served(folder, port, "--gates"):
        made = Shop(folder, port)
        with made.pool:
            yield made


def within(seconds: float, what: str, look: Callable[[], T | None]) -> T:
    """Wait for what *look* finds."""
    until = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < until, f"waited for {what}"
        threading.Event().wait(0.02)
    return found


def held_by(desk: GateDesk, gate: str) -> PauseView:
    def look() -> PauseView | None:
        return next((each for each in desk.beat().paused if each.gate == gate), None)

    return within(30, f"a request held by {gate}", look)


@pytest.mark.proves("TT-6", "GA-5", "GA-6", "GA-10", "GA-11", "CL-13")
def test_a_debugger_is_killed_while_two_others_see_hold_and_release_requests(shop: Shop) -> None:
    words = ["gate", "arm", "--stream", "*", "--fact", "handler.started", "--by", "dan"]
    killed = subprocess.Popen(
        [*warm.program(), *words, *shop.store],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with killed:
        assert killed.stdout is not None
        assert killed.stdout.readline().startswith("gate ")
        gate = killed.stdout.readline().split()[0]
        lost = shop.ask("lost")
        ann, eve = shop.desk("ann"), shop.desk("eve")
        held_by(ann, gate)
        killed.kill()
    began = time.monotonic()

    # Two debuggers see the same, and the first release wins; above the cap requests pass.
    other = ann.arm(Wanted({"effect": "sleep", "fact": "effect.requested"}, hold=30.0))
    edited = shop.ask("edited")
    pause = held_by(eve, other)
    assert shop.ask("passes").result().json() == {"total": 400}
    assert eve.release(pause.pause, "resumed", edits=[SetState(("total",), 99)]) == pause.pause
    with pytest.raises(AlreadyReleasedError) as refused:
        ann.release(pause.pause, "failed")
    assert (refused.value.by, refused.value.how) == ("eve", "edited")
    assert edited.result().json() == {"total": 99}
    wrote = run("blame", pause.request, "total", "--json", *shop.store).records
    assert wrote[-1]["by"] == f"eve at {other}"

    # Nobody cares about this one: its time ends it.
    short = eve.arm(Wanted({"fact": "handler.ended"}, hold=0.2))
    expires = shop.ask("expires")
    held_by(eve, other)
    ann.disarm(other)
    held_by(eve, short)
    assert expires.result().status_code == 200
    eve.disarm(short)

    while not lost.done():
        ann.beat()
        threading.Event().wait(0.1)
        assert time.monotonic() - began < 30, "waited for the request of the killed debugger"
    assert lost.result().json() == {"total": 400}
    assert gate not in [each.gate for each in ann.look().gates]
    request = lost.result().headers["request-id"]
    released = run("log", request, "kind:gate.released", "--json", *shop.store).records[0]
    assert released["data"]["how"] == "owner-lost"


@pytest.mark.proves("CL-13", "GA-1", "GA-8", "GA-9", "ST-6")
def test_a_request_is_looked_at_stepped_extended_and_failed_by_commands(shop: Shop) -> None:
    ann = shop.desk("ann")
    gate = ann.arm(Wanted({"fact": "handler.started"}, when="route:*total*", hold=60.0))
    answer = shop.ask("cli")
    pause = held_by(ann, gate)

    (listed,) = run("gate", "list", "--json", *shop.store).records
    assert (listed["gate"], listed["hits"], listed["paused"]) == (gate, 1, 1)
    (shown,) = run("gate", "paused", "--json", *shop.store).records
    assert (shown["pause"], shown["point"]) == (pause.pause, "handler.started get-total-name")
    assert shown["caller"] == "not stated"
    (row,) = run("requests", "outcome:paused*", "--json", *shop.store).records
    assert row["outcome"] == "paused: get-total-name"
    state = run("state", pause.request, "--json", *shop.store)
    assert state.status == Exit.OK

    assert run("gate", "extend", gate, "--seconds", "600", *shop.store).status == Exit.OK
    assert run("gate", "step", gate, "--set", "/total=1", *shop.store).status == Exit.OK
    stepped = held_by(ann, gate)
    assert stepped.point == "effect.requested sleep"
    assert run("gate", "resume", pause.pause, *shop.store).status == Exit.WRITE_REFUSED
    wrong = run("gate", "resume", gate, "--set", "/timescape.x=1", *shop.store)
    assert (wrong.status, "timescape.x" in wrong.err) == (Exit.BAD_INPUT, True)
    assert run("gate", "fail", stepped.request, "--json", *shop.store).records == [
        {"kind": "released", "pause": stepped.pause, "how": "failed"}
    ]
    assert answer.result().status_code == 503
    assert answer.result().json()["code"] == "gate-failed"
    assert run("gate", "disarm", gate, *shop.store).status == Exit.OK
    assert run("gate", "disarm", gate, *shop.store).status == Exit.NOT_FOUND
    audit = run("search", "--audit", f"subject:{gate}", "--json", *shop.store)
    assert [(each["what"], each["who"]) for each in audit.records][:1] == [("gate.armed", "ann")]


@pytest.mark.proves("GA-1", "KB-4")
def test_browsers_and_callers_without_the_body_are_turned_away(shop: Shop) -> None:
    address = shop.desk("ann").address
    with httpx.Client(base_url=address, trust_env=False) as client:
        assert client.post("/gates", json={"do": "beat"}).status_code == 200
        origin = {"origin": "http://evil.example"}
        assert client.post("/gates", json={"do": "beat"}, headers=origin).status_code == 403
        assert client.post("/gates", content=b"{").status_code == 400
        assert client.post("/gates", json={"do": "dance"}).status_code == 400
        assert client.post("/gates", content=b"x" * 1_048_577).status_code == 413
        assert client.get("/gates").status_code == 404


@pytest.mark.proves("GA-1", "CL-13", "TM-13")
def test_without_gates_there_is_nothing_to_arm() -> None:
    store = memory_store()
    said = run("gate", "list", store=store)
    assert (said.status, "--gates" in said.err) == (Exit.WRITE_REFUSED, True)
    for address, told in (("http://203.0.113.7:80", "not this machine"), ("ftp://x", "no address")):
        ControlLog(store, control_stream("shop"), lambda: 1).tell(GatesOpened(address), "shop")
        said = run("gate", "list", store=store)
        assert (said.status, told in said.err) == (Exit.BAD_INPUT, True)
    gone = run("gate", "list", "--admin", "http://127.0.0.1:9", store=store)
    assert gone.status == Exit.WRITE_REFUSED
    assert run("gate", "resume", store=store).status == Exit.BAD_INPUT


@pytest.mark.proves("GA-1")
def test_a_process_that_takes_no_gates_says_so() -> None:
    async def scenario() -> None:
        app = App("shop")
        store = memory_store()
        app.start(store)
        admin = Admin(app, store, system_clock)
        answer = await admin("POST", "/gates", {}, b'{"do":"beat"}')
        assert (answer.status, b"gates-off" in answer.body) == (409, True)
        await app.stop(0)

    asyncio.run(scenario())
