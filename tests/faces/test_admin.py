"""The admin listener: alive, ready, figures (SD-2, SD-3)."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.session.conditions import read_condition
from runtime import App
from runtime.app.admin import Admin, check_reach
from runtime.app.admin_tokens import AdminTokens, read_tokens
from runtime.app.gating import Gating
from runtime.control import control_stream
from runtime.effects import SystemIds, system_clock
from runtime.errors import ServeError
from runtime.ingress.plain_http import PlainListener, plain
from tests.faces.asgi import ask, memory_store
from tests.faces.servers import reading
from tests.faces.test_cli_serve import free_port, served

NOBODY: dict[str, str] = {}


def hello() -> App:
    app = App("hello")

    @app.handler("GET /hello")
    async def say() -> str:
        return "hello"

    return app


async def _raw(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    got = await reader.read()
    writer.close()
    return got


@pytest.mark.proves("SD-2")
def test_a_listener_answers_plain_requests_and_drops_what_is_none() -> None:
    async def answer(method: str, path: str, headers: Any, body: bytes) -> Any:
        return plain(200, {"asked": [method, path, headers.get("x-a")]})

    async def scenario() -> None:
        async with PlainListener(answer, "127.0.0.1", 0) as listener:
            port = listener.port
            got = await _raw(port, b"GET /x?y=1 HTTP/1.1\r\nX-A: b: c \r\n\r\n")
            assert got.startswith(b"HTTP/1.1 200 OK\r\n")
            assert got.endswith(b'\r\n\r\n{"asked":["GET","/x","b: c"]}')
            assert b"connection: close" in got
            assert (await _raw(port, b"HEAD /x HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\n")
            assert b" 400 " in await _raw(port, b"nonsense\r\n\r\n")
            assert await _raw(port, b"GET /" + b"x" * 20_000) == b""
            with pytest.raises(ServeError, match="--admin-port"):
                async with PlainListener(answer, "127.0.0.1", port):
                    pass

    asyncio.run(scenario())


@pytest.mark.proves("SD-2")
def test_an_address_that_others_reach_wants_a_token() -> None:
    check_reach("127.0.0.1", AdminTokens())
    check_reach("localhost", AdminTokens())
    check_reach("0.0.0.0", AdminTokens("token"))  # noqa: S104
    with pytest.raises(ServeError, match="TIMESCAPE_ADMIN_TOKEN"):
        check_reach("0.0.0.0", AdminTokens())  # noqa: S104

    async def scenario() -> list[int]:
        app, store = hello(), memory_store()
        app.start(store)
        admin = Admin(app, store, system_clock, AdminTokens("s3cret"))
        shown = [{}, {"authorization": "Bearer no"}, {"authorization": "Bearer s3cret"}]
        answers = [await admin("GET", "/metrics", headers) for headers in shown]
        assert (await ask(app, "GET", "/healthz")).status == 404
        await app.stop()
        return [answer.status for answer in answers]

    assert asyncio.run(scenario()) == [401, 401, 200]


NAMES = {
    "": 200, "127.0.0.1:9090": 200, "[::1]:9090": 200, "localhost:9090": 200, "192.0.2.7": 200,
    "evil.example": 421, "evil.example:9090": 421, "localhost.evil.example": 421, "[::1": 421,
}  # fmt: skip


@pytest.mark.proves("SD-2", "KB-4")
def test_a_name_that_a_page_could_have_taken_is_not_answered_without_a_token() -> None:
    async def scenario() -> None:
        app, store = hello(), memory_store()
        app.start(store)
        admin = Admin(app, store, system_clock)
        asked = {host: await admin("GET", "/healthz", {"host": host}) for host in NAMES}
        assert {host: answer.status for host, answer in asked.items()} == NAMES
        asked["reload"] = await admin("POST", "/modules/a/reload", {"host": "evil.example"})
        assert asked["reload"].status == 421
        named = {"host": "shop.example", "authorization": "Bearer s3cret"}
        guarded = Admin(app, store, system_clock, AdminTokens("s3cret"))
        assert (await guarded("GET", "/healthz", named)).status == 200
        await app.stop()

    asyncio.run(scenario())


class Refusing:
    """A log that can be told to refuse facts."""

    def __init__(self) -> None:
        self.inner: Any = memory_store()
        self.closed = memory_store()
        self.closed.close()
        self.refuses = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.closed if self.refuses and name == "append" else self.inner, name)


async def _ready(admin: Admin) -> tuple[int, Any]:
    answer = await admin("GET", "/readyz", NOBODY)
    return answer.status, json.loads(answer.body).get("failing")


@pytest.mark.proves("SD-3")
def test_readiness_names_what_fails_and_comes_back_without_a_request() -> None:
    async def scenario() -> None:
        app, store = hello(), Refusing()
        app.startup(lambda: None)
        app.start(store)
        admin = Admin(app, store, system_clock)
        assert await _ready(admin) == (503, ["startup"])
        await app.begin()
        assert await _ready(admin) == (200, None)
        store.refuses = True
        assert (await ask(app, "GET", "/hello")).status == 503
        assert await _ready(admin) == (503, ["log"])
        assert (await admin("GET", "/healthz", NOBODY)).status == 200
        store.refuses = False
        assert await _ready(admin) == (200, None)
        said = [e for e in store.read(control_stream("hello")) if e.type == "maintenance.resumed"]
        assert [each.data.refused for each in said] == ["store-closed"]
        admin.stopping = True
        assert await _ready(admin) == (503, ["stopping"])
        for method, path, status in (("GET", "/", 404), ("PUT", "/readyz", 405)):
            assert (await admin(method, path, NOBODY)).status == status
        await app.stop()

    asyncio.run(scenario())


@pytest.mark.proves("SD-1", "SD-2", "OB-6")
def test_a_process_is_looked_after_until_its_last_request_has_ended(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    port, admin, store = free_port(), free_port(), f"sqlite:///{tmp_path}/a.db"
    words = ["--admin-port", str(admin), "--log", "json", "--drain-delay", "0.01"]
    with served(tmp_path, port, *words) as server:
        slow = httpx.get(f"http://127.0.0.1:{port}/ends", trust_env=False)
        figures = httpx.get(f"http://127.0.0.1:{admin}/metrics", trust_env=False).text
        server.send_signal(signal.SIGTERM)
        assert server.stderr is not None
        lines = [line for line in server.stderr.read().splitlines() if line.startswith("{")]

    assert slow.json() == "ended"
    assert "http_server_request_duration_seconds_count{" in figures
    assert server.returncode == 0
    line = next(json.loads(each) for each in lines if '"ends"' in each)
    assert line["request_id"] == slow.headers["request-id"]
    with reading(store) as log:
        last = list(log.read(control_stream("shop")))[-1]
    assert (last.type, last.key, last.data.clean) == ("maintenance.stopped", "shop", True)


APP = """
from runtime import App, LocalContext

app = App("shop")

@app.handler("GET /ends")
async def ends(lctx: LocalContext) -> str:
    lctx.log("ends")
    return "ended"
"""


@pytest.mark.proves("MO-7", "SD-2")
def test_the_admin_listener_reloads_modules_and_says_why_not() -> None:
    async def scenario() -> list[Any]:
        app, store = hello(), memory_store()
        app.start(store)
        admin = Admin(app, store, system_clock, AdminTokens("s3cret"))
        path, shown = "/modules/stock/reload", {"authorization": "Bearer s3cret"}
        answers = [
            await admin("POST", path, {"timescape-reload": "safe"}),
            await admin("GET", path, shown),
            await admin("POST", path, shown),
            await admin("POST", path, {**shown, "timescape-reload": "safe"}),
            await admin("POST", "/modules/stock", {**shown, "timescape-reload": "safe"}),
        ]
        await app.stop()
        return answers

    answers = asyncio.run(scenario())

    assert [each.status for each in answers] == [401, 405, 400, 409, 404]
    assert json.loads(answers[3].body)["code"] == "RT126"
    assert "No module 'stock' runs" in json.loads(answers[3].body)["problem"]


HOLDERS = st.text("abcdef.-@", min_size=1, max_size=8)
TOKENS = st.text("0123456789=", min_size=1, max_size=8)


@pytest.mark.proves("KB-4", "SD-2")
@given(
    named=st.dictionaries(HOLDERS, TOKENS, max_size=4).filter(
        lambda found: len({*found.values()}) == len(found)
    ),
    shown=TOKENS,
    claimed=HOLDERS,
)
def test_a_token_that_has_a_name_says_who_did_it(
    named: dict[str, str], shown: str, claimed: str
) -> None:
    """Whoever shows a named token is that name; else a name is only claimed, and said to be."""
    tokens = read_tokens({"TIMESCAPE_ADMIN_TOKENS": ",".join(map("=".join, named.items()))})
    owner = next((name for name, token in named.items() if token == shown), None)

    assert tokens.take(f"Bearer {shown}") == (owner is not None or not named)
    by = tokens.by(f"Bearer {shown}", claimed)
    assert by == (owner or (f"{claimed} (claimed)" if named else claimed))


@pytest.mark.proves("KB-4")
@pytest.mark.parametrize("text", ["ann", "ann=", "=s3", "a b=s3", "ann=s3,ann=s4", "ann=s3,eve=s3"])
def test_names_and_tokens_that_do_not_belong_together_are_refused_unshown(text: str) -> None:
    with pytest.raises(ServeError, match="TIMESCAPE_ADMIN_TOKENS") as raised:
        read_tokens({"TIMESCAPE_ADMIN_TOKENS": text})

    assert "s3" not in str(raised.value)


@pytest.mark.proves("KB-4", "GA-1")
def test_who_arms_a_gate_is_recorded_by_the_name_of_the_token() -> None:
    armed = b'{"do":"arm","owner":"x","by":"root","wanted":{"match":{"hook":"tax"}}}'

    async def scenario() -> list[str]:
        app, store = hello(), memory_store()
        app.start(store)
        admin = Admin(app, store, system_clock, AdminTokens("s3cret", {"ann": "hers"}))
        admin.gating = Gating("hello", store, system_clock, SystemIds(), read_condition)
        for token in ("hers", "s3cret"):
            answer = await admin("POST", "/gates", {"authorization": f"Bearer {token}"}, armed)
            assert answer.status == 200
        said = [e.data.by for e in store.read(control_stream("hello")) if e.type == "gate.armed"]
        await app.stop(0)
        return said

    assert asyncio.run(scenario()) == ["ann", "root (claimed)"]
