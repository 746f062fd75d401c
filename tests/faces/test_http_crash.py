"""A server is killed; the next one undoes what the first had begun (CN-7)."""

import asyncio
import socket
from pathlib import Path

import pytest

from runtime.app.startup import control_stream
from tests.faces.servers import Client, Gone, Server, reading, streams
from tests.laws.grammar import check_stream

APP = "tests.faces.crashing_app:app"


def killed(store_url: str, truck: socket.socket) -> None:
    """Serve until a request waits for the truck, then kill the server."""
    server = Server(store_url, app=APP)

    async def ask() -> None:
        asking = asyncio.create_task(Client(server.port).ask("POST", "/orders"))
        arrived, _ = await asyncio.get_running_loop().sock_accept(truck)
        with arrived:
            server.kill()
        with pytest.raises(Gone):
            await asking

    asyncio.run(ask())


@pytest.mark.proves("CN-7", "EF-8", "GC-4")
def test_the_next_server_undoes_what_a_killed_one_had_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, books = f"sqlite:///{tmp_path}/crash.db", tmp_path / "books"
    with socket.create_server(("127.0.0.1", 0)) as truck:
        truck.setblocking(False)  # noqa: FBT003 - the socket's own
        monkeypatch.setenv("TEST_TRUCK", str(truck.getsockname()[1]))
        monkeypatch.setenv("TEST_BOOKS", str(books))
        killed(url, truck)
        before = books.read_text().splitlines()
        server = Server(url, app=APP)
        after = books.read_text().splitlines()[len(before) :]
        assert server.stop() == 0

    assert before == ["reserve tea", "reserve cup"]
    assert after == ["release 2 cup", "release 2 tea"]
    with reading(url) as store:
        ((stream, facts),) = streams(store).items()
        check_stream(list(store.read(stream)))
        started = [e.type for e in store.read(control_stream("crashing"))]
        assert store.verify().fault is None
        assert store.open_streams("request") == []
    assert [name for name, _ in facts[-8:]] == [
        "compensation.failed", "effect.requested", "effect.returned", "compensation.ran",
        "effect.requested", "effect.returned", "compensation.ran", "request.aborted",
    ]  # fmt: skip
    assert facts[-1] == ("request.aborted", "crash")
    assert started.count("hook.ended") == 2
