"""A module in processes of its own: real ones, which are killed, run on, and come back."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from eventstore import EventStoreError
from eventstore.memory import MemoryStore
from eventstore.values import Classes, encode, same
from runtime import App, GlobalContext, Request, grant
from runtime.errors import (
    CapabilityDeniedError,
    ModuleCrashedError,
    RPCError,
    RPCFrameError,
    RPCSerializationError,
    RPCTimeoutError,
)
from runtime.isolation import Host, module_stream
from runtime.isolation.child import Child
from runtime.isolation.processes import Processes
from runtime.modules import CALL, About, HostedCall
from runtime.secrets import Found
from runtime.telemetry.spans import spans_of
from tests.faces.asgi import Reply, ask, facts_of, memory_store
from tests.runtime.modules.stock import Item, OutOfStock, stock
from tests.strategies import values


class Secrets:
    """Knows one."""

    async def get(self, name: str) -> Found | None:
        return Found("correct horse") if name == "stock_token" else None


class Shop:
    """An app whose module runs in processes, on an event loop that tests share."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.store: MemoryStore = memory_store()
        self.app = App("shop", config={"stock": {"limit": 3}}, secrets=Secrets())
        self.app.module(stock)

        @self.app.handler("POST /{method}")
        async def call(req: Request[list[Any]], gctx: GlobalContext) -> Any:
            method = getattr(gctx.modules.stock, req.path["method"])
            return {"answer": await method(*req.body)}

        self.app.start(self.store)
        self.run(self.app.begin())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @property
    def host(self) -> Host:
        return self.app._hosting.hosts["stock"]

    @property
    def children(self) -> Sequence[Child]:
        tier = self.host._tier
        assert isinstance(tier, Processes)
        return tier._pool.children

    @property
    def pids(self) -> set[int]:
        return {child.pid for child in self.children}

    def call(self, name: str, *args: Any) -> Coroutine[Any, Any, Any]:
        return self.host.call(self.app._modules.methods("stock")[name], args, {})

    def send(self, name: str, *args: Any) -> Reply:
        reply: Reply = self.run(ask(self.app, "POST", f"/{name}", list(args)))
        return reply

    def told(self, kind: str) -> list[Any]:
        return [e.data for e in self.store.read(module_stream("shop")) if e.type == kind]

    def is_whole(self) -> bool:
        """Whether every process that failed was started again."""
        failed, restarted = self.told("module.failed"), self.told("module.restarted")
        return self.host.counts.total > 0 and len(failed) == len(restarted)

    async def until(self, so: Callable[[], bool]) -> None:
        # Of another process, which sets no event here. The limit is a guard, no measure.
        async with asyncio.timeout(60):
            while not so():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.run(made.app.stop())
    stopped = made.told("module.stopped")
    made.runner.close()
    assert [each.killed for each in stopped] == [False]
    assert made.pids == set()


# --- values (P18) ---


@pytest.mark.proves("P18", "RPC-1", "RPC-2")
@given(value=values)
def test_p18_a_value_comes_back_as_it_went_or_is_refused_before_it_goes(value: Any) -> None:
    """Seen to fail with tuples that come back as lists."""
    shop = _the_shop()
    classes = Classes(adopt=True)
    try:
        encode(value, Classes())
    except EventStoreError:
        # Of a class that the module does not declare.
        with pytest.raises(RPCSerializationError):
            shop.run(shop.call("echo", value))
        return
    back = shop.run(shop.call("echo", value))

    assert is_alike(value, back)
    assert same(encode(back, classes), encode(value, classes))


def is_alike(one: Any, other: Any) -> bool:
    """Compare strictly what Python has of its own: kind by kind, part by part."""
    if type(one) in {list, tuple}:
        return (
            type(one) is type(other) and len(one) == len(other) and all(map(is_alike, one, other))
        )
    if type(one) is dict:
        pairs = zip(one.items(), other.items(), strict=True)
        return type(other) is dict and all(is_alike(a, b) for a, b in pairs)
    if type(one) in {bool, int, str, bytes, type(None), float}:
        return type(one) is type(other) and repr(one) == repr(other)
    return True


_shops: list[Shop] = []


def _the_shop() -> Shop:
    return _shops[0]


@pytest.fixture(autouse=True)
def _known(shop: Shop) -> Iterator[None]:
    _shops.append(shop)
    yield
    _shops.clear()


@pytest.mark.proves("P18", "RPC-2", "RPC-9")
def test_what_cannot_be_carried_is_refused_once_and_nothing_is_sent(shop: Shop) -> None:
    ring: list[Any] = []
    ring.append(ring)
    pids = shop.pids
    for value in (object(), ring, {1: shop}):
        with pytest.raises(RPCSerializationError, match=r"stock\.echo") as caught:
            shop.run(shop.call("echo", value))
        assert (caught.value.method, caught.value.attempts) == ("stock.echo", 1)
    with pytest.raises(RPCFrameError, match="longer than 1048576"):
        shop.run(shop.call("echo", "x" * 2_000_000))
    deep: list[Any] = []
    for _ in range(70):
        deep = [deep]
    with pytest.raises(RPCError, match="deeper"):
        shop.run(shop.call("echo", deep))

    assert shop.run(shop.call("take", [Item("a", 2), Item("b", 3)])) == 5
    assert shop.pids == pids


@pytest.mark.proves("RPC-2", "RPC-4", "RPC-9")
def test_an_error_of_the_module_is_the_callers_own_class(shop: Shop) -> None:
    with pytest.raises(OutOfStock) as caught:
        shop.run(shop.call("take", []))

    assert caught.value.args == ("atlas", 7)
    assert shop.send("take", []).code == "handler-error"


# --- around it ---


@pytest.mark.proves("MO-8", "RPC-6", "OB-5")
def test_a_process_knows_its_request_and_nothing_else_of_us(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_STOCK_TOKEN", "battery staple")
    reply = shop.send("about")
    said = reply.json["answer"]

    assert said["pid"] in shop.pids
    assert said["request"] == reply.request_id
    assert said["key"] == f"{reply.request_id}/1"
    assert said["version"].startswith("tsv:")
    [span] = [s for s in spans_of(facts_of(shop.store, reply), {}) if s.name == "stock.about"]
    assert said["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"
    assert 0 < said["left"] <= 30
    assert said["config"] == 3
    assert set(said["environment"]) <= {
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "PATH",
        "TMPDIR",
        "TZ",
    }
    assert said["path"] == said["folder"] != str(Path.cwd())
    assert said["limits"] == [512 * 1024 * 1024, 0]
    # Standard ones, two sockets, the loop's eight, and what counts them.
    assert said["descriptors"] <= 15


@pytest.mark.proves("RPC-3", "RPC-4", "RPC-6")
def test_what_may_pass_is_tried_again_under_the_same_key(shop: Shop) -> None:
    reply = shop.send("flaky", 3)
    [returned] = [e.data for e in facts_of(shop.store, reply) if e.type == "effect.returned"]

    assert reply.json == {"answer": 3}
    assert returned.attempts == 3


@pytest.mark.proves("RPC-3")
def test_memory_is_bounded(shop: Shop) -> None:
    with pytest.raises(MemoryError):
        shop.run(shop.call("grab", 1 << 30))

    assert shop.run(shop.call("grab", 1 << 20)) == 1 << 20


# --- pools ---


@pytest.mark.proves("RPC-7")
def test_calls_at_once_get_processes_of_their_own_and_the_rest_waits(shop: Shop) -> None:
    async def scenario() -> list[int]:
        long = asyncio.ensure_future(shop.call("wait", 60.0))
        await shop.until(lambda: shop.host.counts.in_use == 1)
        # One more process is started for these, and no third: they take turns.
        pids = await asyncio.gather(*(shop.call("wait", 0.0) for _ in range(3)))
        assert shop.host.counts == (2, 1, 1)
        long.cancel()
        await shop.until(lambda: shop.host.counts.in_use == 0)
        return pids

    before = shop.pids
    pids = shop.run(scenario())

    assert len(set(pids)) == 1
    assert not before & set(pids)


# --- ends ---


@pytest.mark.proves("RPC-5")
def test_a_call_that_can_be_cancelled_is_and_its_process_lives(shop: Shop) -> None:
    shop.run(shop.until(shop.is_whole))
    pids = shop.pids
    with pytest.raises(RPCTimeoutError, match=r"longer than 0\.2 s"):
        shop.run(shop.call("doze"))

    async def leave() -> None:
        task = asyncio.ensure_future(shop.call("wait", 60.0))
        await shop.until(lambda: shop.host.counts.in_use == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await shop.until(lambda: shop.host.counts.in_use == 0)

    shop.run(leave())
    assert shop.pids == pids


@pytest.mark.proves("RPC-5", "MO-6", "RPC-9")
def test_an_endless_loop_is_ended_with_its_process(shop: Shop) -> None:
    shop.run(shop.until(shop.is_whole))
    pids, failed = shop.pids, len(shop.told("module.failed"))
    reply = shop.send("spin")
    [gone] = pids - shop.pids or {0}

    assert (reply.status, reply.code) == (500, "module-failed")
    assert gone
    with pytest.raises(ProcessLookupError):
        os.kill(gone, 0)
    [fact] = shop.told("module.failed")[failed:]
    assert (fact.reason, fact.signal, fact.exit_code) == ("timeout", "SIGKILL", None)


@pytest.mark.proves("MO-3", "MO-6", "RPC-4", "RPC-9", "OB-3")
def test_a_killed_process_fails_its_call_and_is_started_again(shop: Shop) -> None:
    shop.run(shop.until(shop.is_whole))
    restarted = len(shop.told("module.restarted"))
    counted = shop.app.module_restarts.get(("stock", "crash"), 0)

    async def scenario() -> Reply:
        work = asyncio.ensure_future(ask(shop.app, "POST", "/wait", [60.0]))
        await shop.until(lambda: shop.host.counts.in_use == 1)
        [busy] = [child.pid for child in shop.children if child.load]
        os.kill(busy, signal.SIGKILL)
        return await work

    reply = shop.run(scenario())
    shop.run(shop.until(lambda: len(shop.told("module.restarted")) > restarted))

    assert (reply.status, reply.code) == (503, "module-unavailable")
    assert reply.header("retry-after") == "1"
    assert shop.send("echo", 1).json == {"answer": 1}
    assert shop.told("module.failed")[-1].signal == "SIGKILL"
    assert shop.told("module.restarted")[restarted].reason == "crash"
    assert shop.app.module_restarts["stock", "crash"] > counted


@pytest.mark.proves("MO-6", "RPC-9")
def test_how_it_ended_and_what_it_said_last_is_kept_without_its_secrets(shop: Shop) -> None:
    assert shop.run(shop.call("token", "stock_token")) is True
    shop.run(shop.until(shop.is_whole))
    many = shop.host.counts.total
    for _ in range(many):
        # Whichever of the processes had the secret.
        with pytest.raises(ModuleCrashedError, match="exit code 3") as caught:
            shop.run(shop.call("die", 3))
        assert caught.value.attempts == 1
        shop.run(shop.until(lambda: shop.host.counts.total == many))
    facts = shop.told("module.failed")[-many:]

    assert [fact.exit_code for fact in facts] == [3] * many
    assert all("about to die" in fact.output for fact in facts)
    assert "correct horse" not in str(shop.told("module.failed"))


@pytest.mark.proves("RPC-1", "MO-6")
def test_a_process_that_sends_what_is_no_frame_is_ended(shop: Shop) -> None:
    with pytest.raises(ModuleCrashedError, match="SIGKILL"):
        shop.run(shop.call("babble"))

    assert shop.told("module.failed")[-1].reason == "frame"


# --- capabilities ---


@pytest.mark.proves("CP-1", "MM-7", "P41")
def test_what_is_not_granted_is_denied_and_told(shop: Shop) -> None:
    reply = shop.send("denied", "other")

    assert reply.json == {"answer": "Module stock was not granted secret.read of 'other'."}
    denied = shop.told("capability.denied")[-1]
    assert (denied.module, denied.capability, denied.operation) == ("stock", "secret.read", "other")
    assert denied.request == reply.request_id


@pytest.mark.proves("CP-1", "MM-7", "P19")
def test_what_is_revoked_is_denied_from_the_next_use_on(shop: Shop) -> None:
    desk = shop.app.grants
    assert ("secret.read", "stock_token") in desk.of("stock")
    assert shop.send("token", "stock_token").json == {"answer": True}

    desk.revoke("stock", "secret.read", "stock_token", by="ann")
    with pytest.raises(CapabilityDeniedError):
        shop.run(shop.call("token", "stock_token"))
    assert shop.send("token", "stock_token").code == "capability-denied"
    desk.grant("stock", grant("secret.read", "stock_token"), by="ann")

    assert shop.send("token", "stock_token").json == {"answer": True}
    assert [each.by for each in shop.told("capability.revoked")] == ["ann"]
    assert (
        "correct horse"
        not in msgspec.json.encode(
            [str(e) for e in shop.store.read(module_stream("shop"))]
        ).decode()
    )


@pytest.mark.proves("MO-8", "RPC-6")
def test_a_call_outside_of_a_request_is_in_nobodys_service(shop: Shop) -> None:
    async def scenario(known: HostedCall | None) -> Any:
        CALL.set(known)
        said = await shop.call("about")
        return said["request"], said["key"]

    about = HostedCall(About(request_id="req-1", key="req-1/7"))

    assert shop.run(scenario(about)) == ("req-1", "req-1/7")
    assert shop.run(scenario(None)) == ("", "")


@pytest.mark.proves("CP-4", "CP-1")
def test_files_are_opened_below_what_is_granted_and_through_no_link(
    shop: Shop, tmp_path: Path
) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside / "deep", outside):
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text("é", "utf-8")
    (inside / "link.txt").symlink_to(outside / "a.txt")
    (inside / "folder").symlink_to(outside)

    def read(path: Path | str) -> Any:
        return shop.run(shop.call("read", str(path)))

    with pytest.raises(CapabilityDeniedError):
        read(inside / "deep/a.txt")
    shop.app.grants.grant("stock", grant("fs.read", str(inside)))

    assert read(inside / "deep/a.txt") == "é"
    for path in (
        outside / "a.txt", inside / "link.txt", inside / "folder/a.txt", f"{inside}/../out/a.txt",
        f"{inside}x",
    ):  # fmt: skip
        with pytest.raises(CapabilityDeniedError, match=r"fs\.read"):
            read(path)
    with pytest.raises(FileNotFoundError):
        read(inside / "none.txt")
    with pytest.raises(CapabilityDeniedError, match=r"fs\.write"):
        shop.run(shop.call("write", str(inside / "b.txt"), "x"))
    shop.app.grants.grant("stock", grant("fs.write", str(inside / "deep")))
    shop.run(shop.call("write", str(inside / "deep/b.txt"), "ö"))

    assert (inside / "deep/b.txt").read_text("utf-8") == "ö"


@pytest.mark.proves("CP-3", "CP-1")
def test_a_name_is_dialled_only_if_all_its_addresses_may_be(shop: Shop) -> None:
    desk = shop.app.grants

    async def scenario() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.read(100)).upper())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            for place in (f"127.0.0.1:{port}", f"localhost:{port}"):
                with pytest.raises(CapabilityDeniedError, match=r"net\.connect"):
                    await shop.call("dial", place, b"hello")
            desk.grant("stock", grant("net.connect", f"localhost:{port}"))
            # The name is granted; what it stands for is not.
            with pytest.raises(CapabilityDeniedError, match="localhost"):
                await shop.call("dial", f"localhost:{port}", b"hello")
            desk.grant("stock", grant("net.connect", f"127.0.0.0/8:{port}", f"[::1]:{port}"))

            assert await shop.call("dial", f"localhost:{port}", b"hello") == b"HELLO"

    shop.run(scenario())
