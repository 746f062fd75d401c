"""Ids of requests: what they begin with is the app's to say, and any id is understood (IN-10)."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.session.requests import digits_of, is_named
from debugger.timeline.links import read_link
from runtime import App, GlobalContext, HttpError, LocalContext, Request
from runtime.errors import PolicySyntaxError
from runtime.request_ids import check_prefix, is_request_id, same_request, stream_of
from runtime.testing import Harness
from tests.faces.asgi import Reply, ask, facts_of, memory_store
from tests.faces.command_line import run

prefixes = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)


def shop(prefix: str) -> App:
    app = App("shop", request_prefix=prefix)
    app.topic("seen", str)

    @app.handler("POST /orders", idempotency="optional")
    async def order(req: Request[int], lctx: LocalContext, gctx: GlobalContext) -> str:
        lctx.set("id", lctx.request_id)
        lctx.snapshot()
        if req.body == 4:
            raise HttpError(404, "no-such-order")
        await gctx.publish("seen", lctx.request_id)
        return lctx.request_id

    @app.subscriber("seen", name="mailer")
    async def mail(req: Request[str], lctx: LocalContext) -> None:
        lctx.set("id", lctx.request_id)
        lctx.set("by", req.headers["message-request"])

    return app


@pytest.mark.proves("IN-10", "LC-3")
def test_an_app_says_what_its_ids_begin_with_and_every_place_says_the_same() -> None:
    harness = Harness(shop("ord"))
    with harness as asked:
        done, failed = asked.post("/orders", json=1), asked.post("/orders", json=4)
        wrong, nowhere = asked.post("/orders", json="x"), asked.post("/nowhere")
        asked.advance(1)
        delivered = [
            row for row in harness.store.read_log(kinds=("request",))
            if row.events[0].key == "MESSAGE /mailer"
        ]  # fmt: skip

        name = done.headers["request-id"]
        assert name.startswith("ord-")
        assert done.json == name
        for each in (failed, wrong, nowhere):
            assert each.headers["request-id"] == each.json["instance"]
            assert each.json["instance"].startswith("ord-")
        told = {e.key: e.data.value for e in delivered[0].events if e.type == "context.set"}
        assert told == {"id": f"ord-{delivered[0].stream.hex}", "by": name}


@pytest.mark.proves("IN-10", "CL-1")
def test_commands_take_an_id_whatever_it_begins_with() -> None:
    store = memory_store()

    async def scenario(prefix: str) -> Reply:
        app = shop(prefix)
        app.start(store)
        await app.begin()
        reply = await ask(app, "POST", "/orders", 1)
        await app.stop()
        return reply

    first = asyncio.run(scenario("ord"))
    asyncio.run(scenario("face"))
    name, digits = first.request_id, stream_of(first.request_id).hex
    words = (name, name.upper(), f"req-{digits}", f"face-{digits}", digits, f"ord-{digits[-12:]}",
             f"req{digits[-12:]}", str(UUID(digits)), digits[-12:])  # fmt: skip
    said = [run("log", word, "--json", store=store) for word in words]
    at = run("state", name, "--at", f"face-{digits}@3", store=store)
    listed = run("requests", "--json", store=store)
    link = read_link(f"timescape://shop/{name}@3")

    assert {(each.status, each.out) for each in said} == {(0, said[0].out)}
    assert (at.status, f"{name} at #" in at.err) == (0, True)
    assert {each["request"].partition("-")[0] for each in listed.records} == {"ord", "face"}
    assert link.stream == stream_of(name)
    for wrong in (
        "ord-",
        "ord_9f31c2",
        "toolongaprefix-9f31c2",
        "ord-9f3",
        "ord-xyzw",
        "9f31c2-ord",
    ):
        assert run("log", wrong, store=store).status == 2
    store.close()


@pytest.mark.proves("IN-10", "RX-2")
def test_what_was_recorded_with_another_beginning_is_replayed_the_same() -> None:
    store = memory_store()
    app = shop("ord")

    async def scenario() -> Reply:
        app.start(store)
        await app.begin()
        reply = await ask(app, "POST", "/orders", 1)
        await app.stop()
        return reply

    reply = asyncio.run(scenario())
    assert facts_of(store, reply)[0].data.prefix == "ord"
    said = run("replay", reply.request_id, "--app", "tests.faces.renamed_app:app", "--json",
               store=store)  # fmt: skip
    assert said.records[0]["verdict"] == "same"
    store.close()


@pytest.mark.proves("IN-10")
@pytest.mark.parametrize("wrong", ["", "a" * 13, "Ord", "o1", "or-d", "\u00e9", "ord\n", None, 7])
def test_what_is_no_beginning_is_refused(wrong: Any) -> None:
    with pytest.raises(PolicySyntaxError) as caught:
        App("shop", request_prefix=wrong)
    assert "request_prefix" in caught.value.problem


@pytest.mark.proves("IN-10")
@given(prefix=prefixes, other=prefixes, stream=st.uuids(), many=st.integers(4, 32))
def test_an_id_is_found_by_its_digits(prefix: str, other: str, stream: UUID, many: int) -> None:
    name = f"{check_prefix(prefix)}-{stream.hex}"

    assert stream_of(name) == stream_of(stream.hex) == stream
    assert is_request_id(name)
    assert not is_request_id(stream.hex)
    assert same_request(name, f"{other}-{stream.hex}")
    assert not same_request(name, f"{other}-{stream.hex[:-1]}")
    short = f"{prefix}-{stream.hex[-many:]}"
    assert digits_of(short) == stream.hex[-many:]
    assert is_named(short)
    assert digits_of(str(stream)) == stream.hex
