"""HTTP: what a client gets, what is refused, and what the log then knows."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import EventStoreError
from runtime import App, Request
from runtime.facts import ResponseSent
from tests.faces.asgi import JSON, Reply, ask, exchange, facts_of, memory_store, names_of, scope_of
from tests.faces.shop import GOOD, Order, Receipt, Search, Shop
from tests.runtime.schemas import CANARY, Schema, mutated, schemas


def serving(work: Callable[[Shop, Any], Coroutine[Any, Any, Any]], **settings: Any) -> Any:
    """Start a shop on an empty log, do *work*, stop it."""

    async def scenario() -> Any:
        shop, store = Shop(**settings), memory_store()
        shop.app.start(store)
        try:
            return await work(shop, store)
        finally:
            shop.release.set()
            await shop.app.stop()

    return asyncio.run(scenario())


def asked(method: str, target: str | bytes, body: object = None, **more: Any) -> Reply:
    """Ask a fresh shop once; its stream must be complete and agree with the answer."""
    settings = more.pop("settings", {})

    async def work(shop: Shop, store: Any) -> Reply:
        reply = await ask(shop.app, method, target, body, **more)
        check_record(store, reply)
        return reply

    return serving(work, **settings)  # type: ignore[no-any-return]


def check_record(store: Any, reply: Reply) -> None:
    events = facts_of(store, reply)
    assert events[0].type == "request.received"
    assert [e.type for e in events].count("request.received") == 1
    sent = events[-1].data
    assert isinstance(sent, ResponseSent)
    assert sent.status == reply.status
    assert store.head(events[0].stream).closed


# --- answers ---


@pytest.mark.proves("HO-9", "RS-3", "TR-9", "IN-10")
def test_a_good_request_is_answered_and_recorded() -> None:
    async def work(shop: Shop, store: Any) -> None:
        reply = await ask(shop.app, "POST", "/orders/7", GOOD)

        assert (reply.status, reply.json) == (200, {"order": 7, "total": -1})
        assert reply.header("content-type") == "application/json"
        assert reply.header("content-length") == str(len(reply.body))
        assert reply.header("x-content-type-options") == "nosniff"
        assert (reply.header("timescape-version") or "").endswith("-post-orders-order_id-002")
        assert names_of(store, reply) == [
            "request.received",
            "principal.established",
            "version.resolved",
            "phase.changed",
            "phase.changed",
            "handler.started",
            "handler.ended",
            "response.sent",
        ]
        received = facts_of(store, reply)[0].data
        assert received.body == {**GOOD, "card": {"$redacted": True}}
        assert received.params == {"order_id": "7"}

    serving(work)


@pytest.mark.proves("GT-10", "GT-11", "GT-12", "RS-1", "HO-2")
def test_wrong_types_are_all_listed_with_their_places() -> None:
    async def work(shop: Shop, store: Any) -> None:
        body = {"customer": 5, "items": [{"sku": "", "quantity": 0, "x": CANARY}, CANARY]}
        reply = await ask(shop.app, "POST", "/orders/7", body)

        assert (reply.status, reply.code) == (400, "validation-failed")
        assert reply.header("content-type") == "application/problem+json"
        assert reply.header("cache-control") == "no-store"
        assert [(i["path"], i["code"]) for i in reply.json["issues"]] == [
            ("/customer", "kind"),
            ("/items/0/sku", "length"),
            ("/items/0/quantity", "minimum"),
            ("/items/0/x", "unknown-field"),
            ("/items/1", "kind"),
            ("/card", "missing"),
        ]
        assert reply.json["type"] == "urn:timescape:problem:validation-failed"
        assert reply.json["instance"] == reply.request_id
        assert reply.json["remedy"]
        assert CANARY.encode() not in reply.body
        assert "handler.started" not in names_of(store, reply)
        assert shop.bodies == []

    serving(work)


@pytest.mark.proves("GT-7", "GT-12")
def test_faults_of_query_and_body_come_together() -> None:
    app = App("both")

    @app.handler("POST /both", query=Search)
    async def both(req: Request[Order]) -> None:
        """Take both."""

    async def scenario() -> None:
        app.start(memory_store())
        reply = await ask(app, "POST", "/both?limit=0", {"customer": "a", "card": "1"})
        assert [i["path"] for i in reply.json["issues"]] == ["/query/limit", "/items"]

    asyncio.run(scenario())


@pytest.mark.proves("GT-7", "GT-4")
def test_a_typed_query_gives_values_and_defaults() -> None:
    assert asked("GET", "/search?limit=5").json == 5
    assert asked("GET", "/search").json == 10
    assert asked("GET", "/search?limit=05").status == 400


@pytest.mark.proves("IN-2", "GT-7")
def test_an_untyped_query_is_text_in_order() -> None:
    reply = asked("GET", "/echo?a=1&b=%20x+y&a=2&c&%C3%A9=")

    assert reply.json["query"] == {"a": ["1", "2"], "b": " x y", "c": "", "é": ""}


@pytest.mark.proves("RS-3", "HW-3")
def test_nothing_to_say_is_204_without_a_body() -> None:
    reply = asked("DELETE", "/nothing")

    assert (reply.status, reply.body) == (204, b"")
    assert reply.header("x-note") == "gone"
    assert reply.header("content-length") is None


@pytest.mark.proves("IN-9", "RS-3")
def test_bytes_go_through_as_they_are() -> None:
    reply = asked("PUT", "/raw", b"\x00\xff{", headers=[("content-type", "image/png")])

    assert (reply.status, reply.body) == (200, b"{\xff\x00")
    assert reply.header("content-type") == "application/octet-stream"


# --- properties ---

# None is no body: what comes is dropped, and what goes may have been written to `res`. Bytes are
# taken as they are.
typed = schemas().filter(lambda schema: schema.hint not in {None, bytes})


@pytest.mark.proves("P10", "HO-9", "GT-5")
@given(st.data(), typed)
def test_p10_the_handler_runs_iff_the_body_conforms(data: st.DataObject, schema: Schema) -> None:
    """Seen to fail with every body of a union refused."""
    value, told = data.draw(schema.values), False
    spoiled = data.draw(st.booleans())
    if spoiled:
        value, _ = data.draw(mutated(value))
    event(f"as it should be: {not spoiled}")
    got: list[bytes] = []
    read: list[Any] = []
    app = App("p10")

    async def take(req: Any) -> None:
        got.append(req.raw)
        read.append(req.body)

    take.__annotations__["req"] = Request[schema.hint]  # type: ignore[name-defined]
    app.handler("POST /")(take)
    raw = msgspec.json.encode(value)
    try:
        msgspec.json.decode(raw, type=schema.hint)
        told = True
    except (msgspec.ValidationError, TypeError):
        pass

    async def scenario() -> None:
        store = memory_store()
        app.start(store)
        reply = await ask(app, "POST", "/", raw, headers=[JSON])

        assert got == ([raw] if reply.status == 204 else [])
        assert ("handler.started" in names_of(store, reply)) == (reply.status == 204)
        if not spoiled:
            assert reply.status == 204
            assert read == [msgspec.json.decode(raw, type=schema.hint)]
        if not told:
            # msgspec alone lets more through than we do: naive times, endless decimals.
            assert (reply.status, reply.code) == (400, "validation-failed")
            assert "validation.failed" in names_of(store, reply)
        check_record(store, reply)

    asyncio.run(scenario())


@pytest.mark.proves("P11", "HO-9", "GT-15")
@given(st.data(), typed)
def test_p11_an_answer_that_does_not_conform_is_never_sent(
    data: st.DataObject, schema: Schema
) -> None:
    """Seen to fail with answers that nobody reads back by their type."""
    value = data.draw(schema.values)
    spoiled = data.draw(st.booleans())
    if spoiled:
        value, _ = data.draw(mutated(value))
    event(f"as it should be: {not spoiled}")
    app = App("p11")

    async def give() -> Any:
        return value

    give.__annotations__["return"] = schema.hint
    app.handler("GET /")(give)

    async def scenario() -> None:
        store = memory_store()
        app.start(store)
        reply = await ask(app, "GET", "/")

        assert spoiled or reply.status in {200, 204}
        if reply.status == 200:
            assert msgspec.json.decode(reply.body, type=schema.hint) == msgspec.json.decode(
                msgspec.json.encode(value), type=schema.hint
            )
        elif reply.status == 500:
            assert reply.code == "response-invalid"
            assert CANARY.encode() not in reply.body
            assert "issues" not in reply.json
            assert "validation.failed" in names_of(store, reply)
        else:
            assert (reply.status, value) == (204, None)
        check_record(store, reply)

    asyncio.run(scenario())


@pytest.mark.proves("P10", "P11")
def test_an_answer_that_does_not_conform_is_a_500_whose_issues_only_the_log_knows() -> None:
    async def work(shop: Shop, store: Any) -> None:
        reply = await ask(shop.app, "GET", "/wrong")

        assert (reply.status, reply.code) == (500, "response-invalid")
        assert CANARY.encode() not in reply.body
        failed = [e.data for e in facts_of(store, reply) if e.type == "validation.failed"]
        assert [i.path for i in failed[0].issues] == ["/order"]

    serving(work)


targets = st.one_of(
    st.sampled_from(["/orders/7", "/files/x", "/search?limit=1", "/raw", "/raises", "/wrong", "/"]),
    st.binary(max_size=30).map(lambda raw: b"/" + raw),
)
heads = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "x-a", "timescape-version", "host", "accept", "te_st"])
        | st.binary(max_size=6),
        st.sampled_from(["application/json", "2026-05-01", "latest"]) | st.binary(max_size=12),
    ),
    max_size=4,
)
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
bodies = st.none() | st.binary(max_size=40) | st.just(msgspec.json.encode(GOOD))


@pytest.mark.proves("IN-1", "IN-10", "RS-3", "RS-4")
@given(
    requests=st.lists(
        st.tuples(methods, targets, heads, bodies, st.booleans()), min_size=1, max_size=4
    )
)
def test_every_request_gets_one_answer_and_leaves_one_complete_stream(
    requests: list[tuple[Any, ...]],
) -> None:
    async def work(shop: Shop, store: Any) -> None:
        for method, target, headers, body, length in requests:
            reply = await ask(shop.app, method, target, body, headers=headers, length=length)
            check_record(store, reply)
            assert reply.request_id.startswith("req-")
            assert reply.header("content-length") is not None or reply.status in {204, 304}
            if method != "HEAD" and reply.status != 204:
                assert reply.header("content-length") == str(len(reply.body))
            if method == "HEAD":
                assert reply.body == b""
        streams = {row.stream for row in store.read_log(kinds=["request"], limit=100)}
        assert len(streams) == len(requests)

    serving(work)


# --- the edge ---


@pytest.mark.proves("RM-3", "RS-1")
@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/nowhere", 404, "route-not-found"),
        ("GET", "/files/", 404, "route-not-found"),
        ("GET", "/orders/seven", 404, "route-not-found"),
        ("GET", "/orders/7", 405, "method-not-allowed"),
        ("BREW", "/orders/7", 501, "method-unknown"),
        ("BREW", "/nowhere", 501, "method-unknown"),
        ("get", "/echo", 501, "method-unknown"),
        ("GET", "/a//b", 400, "bad-path"),
        ("GET", "/a/%2e%2e/b", 400, "bad-path"),
        ("GET", "/a%zz", 400, "bad-path"),
        ("GET", b"/\xff", 400, "bad-path"),
        ("GET", "/echo?a=%zz", 400, "query-malformed"),
        ("GET", "/echo?a=%ff", 400, "query-malformed"),
        ("GET", "/echo?" + "a&" * 201, 400, "query-malformed"),
        ("GET", "/" + "a" * 8192, 414, "target-too-long"),
        ("GET", "/echo?" + "a" * 8192, 414, "target-too-long"),
    ],
)
def test_targets_that_lead_nowhere(
    method: str, target: str | bytes, status: int, code: str
) -> None:
    reply = asked(method, target)

    assert (reply.status, reply.code) == (status, code)
    assert reply.json["detail"]
    assert reply.json["remedy"]
    assert (reply.header("allow") == "OPTIONS, POST") == (status == 405)


@pytest.mark.proves("RM-3", "RS-3")
def test_options_says_what_is_allowed_and_head_withholds_the_body() -> None:
    options, head = asked("OPTIONS", "/files/x"), asked("HEAD", "/files/x")

    assert (options.status, options.header("allow")) == (204, "GET, HEAD, OPTIONS")
    assert (head.status, head.body) == (200, b"")
    assert head.header("content-length") == str(len(asked("GET", "/files/x").body))


@pytest.mark.proves("IN-6")
@pytest.mark.parametrize(
    ("target", "status"),
    [("http://shop.example/echo", 200), ("HTTP://SHOP.example/echo?a=1", 200),
     ("https://shop.example", 404), ("http://evil.example/echo", 400), ("*", 400), ("echo", 400),
     ("shop.example:80", 400), ("ftp://shop.example/echo", 400)],
)  # fmt: skip
def test_a_target_is_a_path_or_names_the_host_that_is_asked(target: str, status: int) -> None:
    assert asked("GET", target).status == status


@pytest.mark.proves("IN-5")
def test_http_1_0_has_no_chunks() -> None:
    async def work(shop: Shop, store: Any) -> None:
        headers = [("host", "a"), JSON, ("transfer-encoding", "chunked")]
        scope = scope_of("PUT", "/small", headers)
        scope["http_version"] = "1.0"
        reply = await exchange(shop.app, scope, [b"[1]"])

        assert (reply.status, reply.code) == (400, "bad-framing")
        assert reply.header("connection") == "close"
        check_record(store, reply)

    serving(work)


@pytest.mark.proves("IN-7")
def test_an_encoded_slash_is_data() -> None:
    assert asked("GET", "/files/a%2Fb%20c").json == {"name": "a/b c"}


@pytest.mark.proves("IN-2", "IN-5", "IN-6", "IN-8")
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ([("x-a", "b")] * 101, 431, "headers-too-large"),
        ([("x-a", "b" * 8192)], 431, "headers-too-large"),
        ([("x-a", "b" * 8000)] * 9, 431, "headers-too-large"),
        ([("x-a", "b\x00c")], 400, "header-malformed"),
        ([("x-a", "b\nc")], 400, "header-malformed"),
        ([("x a", "b")], 400, "header-malformed"),
        ([("", "b")], 400, "header-malformed"),
        ([("content-type", "a/b"), ("Content-Type", "a/b")], 400, "header-repeated"),
        ([("authorization", "a"), ("authorization", "b")], 400, "header-repeated"),
        ([("content-length", "1x")], 400, "bad-framing"),
        ([("content-length", "-1")], 400, "bad-framing"),
        ([("content-length", "1"), ("transfer-encoding", "chunked")], 400, "bad-framing"),
        ([("content-length", "1"), ("content-length", "1")], 400, "bad-framing"),
        ([("transfer-encoding", "gzip")], 501, "coding-unknown"),
        ([("transfer-encoding", "gzip, chunked")], 501, "coding-unknown"),
        (
            [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
            501,
            "coding-unknown",
        ),
        ([("host", "other")], 400, "header-repeated"),
    ],
)
def test_heads_that_may_not_pass(headers: list[tuple[str, str]], status: int, code: str) -> None:
    reply = asked("GET", "/echo", headers=headers)

    assert (reply.status, reply.code) == (status, code)
    assert (reply.header("connection") == "close") == (code == "bad-framing")


@pytest.mark.proves("IN-6")
@pytest.mark.parametrize(
    ("host", "allowed", "status"),
    [
        ("shop.example", None, 200),
        ("shop.example:8000", ["shop.example"], 200),
        ("SHOP.example", ["shop.example"], 200),
        ("a.shop.example", ["*.shop.example"], 200),
        ("a.b.shop.example", ["*.shop.example"], 400),
        ("shop.example", ["*.shop.example"], 400),
        ("evilshop.example", ["*.shop.example", "shop.example"], 400),
        ("shop.example", [], 400),
        ("[::1]:80", ["[::1]"], 200),
        ("", None, 400),
        ("a b", None, 400),
        ("a/b", None, 400),
        ("a:b", None, 400),
    ],
)
def test_host_must_be_one_that_is_served(host: str, allowed: list[str] | None, status: int) -> None:
    reply = asked(
        "GET", "/echo", headers=[("host", host)], host=False, settings={"allowed_hosts": allowed}
    )

    assert reply.status == status
    assert status == 200 or reply.code == "invalid-host"


@pytest.mark.proves("IN-8")
def test_fields_are_lower_case_and_odd_bytes_do_no_harm() -> None:
    forged = ["x_api_key", "X_Forwarded_For", "X-Forwarded_Host", "content_type"]
    sent = [("X-Name", b"\xe9\xff"), *[(name, b"forged") for name in forged]]
    reply = asked("GET", "/echo", headers=sent)

    assert reply.json["headers"] == {"host": "shop.example", "x-name": "éÿ"}


@pytest.mark.proves("IN-10")
@pytest.mark.parametrize(("sent", "kept"), [("abc-1.~_", "abc-1.~_"), ("a b", None), ("", None)])
def test_the_callers_id_is_kept_beside_ours(sent: str, kept: str | None) -> None:
    async def work(shop: Shop, store: Any) -> None:
        reply = await ask(shop.app, "GET", "/echo", headers=[("X-Request-Id", sent)])

        assert facts_of(store, reply)[0].data.correlation_id == kept
        assert reply.request_id != sent

    serving(work)


# --- bodies ---


@pytest.mark.proves("IN-3")
def test_a_larger_declared_length_is_refused_before_a_byte_is_read() -> None:
    async def work(shop: Shop, store: Any) -> None:
        headers = [("host", "a"), JSON, ("content-length", str(1024 * 1024 + 1))]
        reply = await exchange(shop.app, scope_of("POST", "/orders/7", headers), [])

        assert (reply.status, reply.code, reply.json["limit"]) == (
            413,
            "body-too-large",
            1024 * 1024,
        )

    serving(work)


@pytest.mark.proves("IN-3", "IN-5")
@pytest.mark.parametrize(
    ("chunks", "length", "status"),
    [
        ([b"[1,2,3,4]"], True, 200),
        ([b"[1,2,", b"3,", b"4,5]"[:4]], True, 413),
        ([b"[1,2,3,", b"4]"], False, 200),
        ([b"[1,2,3,", b"4,5]"], False, 413),
        ([b"", b"[1]"], False, 200),
    ],
)
def test_a_body_is_bounded_while_it_is_read(
    *, chunks: list[bytes], length: bool, status: int
) -> None:
    reply = asked("PUT", "/small", chunks=chunks, headers=[JSON], length=length)

    assert reply.status == status


@pytest.mark.proves("IN-5")
@pytest.mark.parametrize("pieces", [[b"[1"], [b"[1]    "], []])
def test_a_body_of_another_length_than_declared_is_refused(pieces: list[bytes]) -> None:
    async def work(shop: Shop, store: Any) -> None:
        headers = [("host", "a"), JSON, ("content-length", "5")]
        reply = await exchange(shop.app, scope_of("PUT", "/small", headers), pieces)

        assert (reply.status, reply.code) == (400, "bad-framing")
        check_record(store, reply)

    serving(work)


@pytest.mark.proves("IN-9", "GT-11", "GT-20")
@pytest.mark.parametrize(
    ("raw", "headers", "status", "code"),
    [
        (b"{", [JSON], 400, "validation-failed"),
        (b'{"a":"\xff"}', [JSON], 400, "validation-failed"),
        (b"[" * 5_000, [JSON], 400, "too-complex"),
        (b"", [JSON], 400, "validation-failed"),
        (b"{}", [], 415, "media-unsupported"),
        (b"{}", [("content-type", "text/plain")], 415, "media-unsupported"),
        (b"{}", [("content-type", "application/json; charset=latin-1")], 415, "media-unsupported"),
        (b"{}", [JSON, ("content-encoding", "gzip")], 415, "encoding-unsupported"),
    ],
)
def test_bodies_that_cannot_be_read(
    raw: bytes, headers: list[tuple[str, str]], status: int, code: str
) -> None:
    reply = asked("POST", "/orders/7", raw, headers=headers)

    assert (reply.status, reply.code) == (status, code)
    taken = "application/json, application/msgpack"
    assert (reply.header("accept-post") == taken) == (code == "media-unsupported")


@pytest.mark.proves("IN-9")
@pytest.mark.parametrize(
    "media", ["application/json; charset=UTF-8", "application/vnd.shop+json", "Application/JSON"]
)
def test_json_by_any_of_its_names(media: str) -> None:
    raw = msgspec.json.encode(GOOD)

    assert asked("POST", "/orders/7", raw, headers=[("content-type", media)]).status == 200


@pytest.mark.proves("IN-9")
def test_a_body_nobody_takes_is_read_and_dropped() -> None:
    async def work(shop: Shop, store: Any) -> None:
        reply = await ask(shop.app, "GET", "/echo", CANARY.encode())

        assert reply.status == 200
        assert facts_of(store, reply)[0].data.body_size == 0

    serving(work)


# --- versions ---


@pytest.mark.proves("TR-1", "TR-3", "TR-4", "TR-8", "TR-9")
@pytest.mark.parametrize(
    ("query", "headers", "total", "by"),
    [
        ("", [], -1, "latest"),
        ("?version=2026-09-30", [], 5, "query"),
        ("?v=latest", [], -1, "query"),
        ("", [("timescape-version", " 2026-03-01 ")], 5, "header"),
        ("", [("x-api-version", "2026-03-01")], 5, "header"),
        ("?v=2026-04-01", [("x-api-version", "2026-05-01")], 5, "query"),
        ("?v=", [("x-api-version", "")], -1, "latest"),
    ],
)
def test_a_version_is_chosen_by_query_or_header(
    query: str, headers: list[tuple[str, str]], total: int, by: str
) -> None:
    reply = asked("POST", f"/orders/7{query}", GOOD, headers=headers)

    assert (reply.status, reply.json["total"]) == (200, total)
    assert reply.header("timescape-resolved-by") == by


@pytest.mark.proves("TR-4", "TR-8")
@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?v=1", 400, "version-malformed"),
        ("?v=2026-01-01", 404, "version-before-first"),
        ("?v=tsv:1-a-001", 404, "version-not-found"),
        ("?v=stable", 404, "tag-not-found"),
        ("?v=2026-03-01&version=latest", 400, "version-conflict"),
        ("?v=2026-03-01&v=latest", 400, "version-conflict"),
    ],
)
def test_a_version_that_is_not_there_is_refused_and_recorded(
    query: str, status: int, code: str
) -> None:
    async def work(shop: Shop, store: Any) -> None:
        reply = await ask(shop.app, "POST", f"/orders/7{query}", GOOD)

        assert (reply.status, reply.code) == (status, code)
        resolved = [e.data for e in facts_of(store, reply) if e.type == "version.resolved"]
        assert [fact.error for fact in resolved] == [code]
        assert shop.bodies == []

    serving(work)


# --- failures ---


@pytest.mark.proves("HW-4", "RS-1")
def test_a_raising_handler_is_a_500_that_tells_nothing() -> None:
    reply = asked("GET", "/raises")

    assert (reply.status, reply.code) == (500, "handler-error")
    assert CANARY.encode() not in reply.body
    assert b"RuntimeError" not in reply.body
    assert b".py" not in reply.body


@pytest.mark.proves("HW-4")
def test_a_handler_may_refuse_in_its_own_words() -> None:
    reply = asked("GET", "/refuses")

    assert (reply.status, reply.code, reply.json["detail"]) == (409, "sold-out", "Nothing is left.")
    assert reply.header("x-left") == "0"


@pytest.mark.proves("CN-2")
def test_a_hanging_handler_is_a_504() -> None:
    async def work(shop: Shop, store: Any) -> None:
        reply = await ask(shop.app, "GET", "/hangs")

        assert (reply.status, reply.code) == (504, "timeout")
        assert "request.timed_out" in names_of(store, reply)

    serving(work)


class FullDisk:
    """A log that takes no more requests."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def append(self, stream: Any, events: Any, *, kind: str, **more: Any) -> Any:
        if kind == "request":
            raise EventStoreError("store-full", "The disk is full.", "Make room.", {})
        return self._store.append(stream, events, kind=kind, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.proves("RS-4")
def test_no_answer_leaves_unrecorded() -> None:
    async def scenario() -> None:
        shop = Shop()
        shop.app.start(FullDisk(memory_store()))
        for method, target in (("POST", "/orders/7"), ("GET", "/nowhere")):
            reply = await ask(shop.app, method, target, GOOD)
            assert (reply.status, reply.code) == (503, "log-unavailable")
            assert reply.header("retry-after") == "1"

    asyncio.run(scenario())


@pytest.mark.proves("CN-4")
def test_a_client_that_has_gone_changes_nothing_in_the_record() -> None:
    async def work(shop: Shop, store: Any) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_: Any) -> None:
            raise BrokenPipeError

        await shop.app(scope_of("GET", "/echo", [("host", "a")]), receive, send)

        (row,) = store.read_log(kinds=["request"])
        assert row.closes
        assert row.events[-1].data.status == 200

    serving(work)


@pytest.mark.proves("CN-4")
def test_a_handler_may_be_stopped_when_its_client_goes() -> None:
    async def scenario() -> None:
        app, store = App("impatient"), memory_store()
        started = asyncio.Event()

        @app.handler("GET /", on_disconnect="cancel")
        async def wait() -> None:
            started.set()
            await asyncio.Event().wait()

        async def receive() -> Any:
            await started.wait()
            return {"type": "http.disconnect"}

        async def send(_: Any) -> None:
            raise BrokenPipeError

        app.start(store)
        await app(scope_of("GET", "/", [("host", "a")]), receive, send)

        (row,) = store.read_log(kinds=["request"])
        assert row.events[-1].type == "request.aborted"
        assert "handler.failed" in [event.type for event in row.events]

    asyncio.run(scenario())


# --- starting and stopping ---


@pytest.mark.proves("GC-6", "SD-1")
def test_stopping_lets_running_requests_end_and_refuses_new_ones() -> None:
    async def work(shop: Shop, store: Any) -> None:
        running = asyncio.create_task(ask(shop.app, "GET", "/waits"))
        await shop.reached.wait()
        stopping = asyncio.create_task(shop.app.stop(30))
        await asyncio.sleep(0)
        late = await ask(shop.app, "GET", "/echo")
        shop.release.set()

        assert (late.status, late.code, late.header("retry-after")) == (503, "shutting-down", "1")
        assert await stopping is True
        last = await running
        assert (last.json, last.header("connection")) == ("done", "close")
        assert late.header("connection") == "close"
        check_record(store, late)

    serving(work)


@pytest.mark.proves("GC-6", "SD-1")
def test_what_does_not_end_is_stopped_answered_and_recorded() -> None:
    async def work(shop: Shop, store: Any) -> None:
        running = asyncio.create_task(ask(shop.app, "GET", "/waits"))
        await shop.reached.wait()

        assert await shop.app.stop(0) is False
        reply = await running
        assert (reply.status, reply.code) == (503, "shutting-down")
        check_record(store, reply)

    serving(work)


@pytest.mark.proves("IN-15")
def test_websockets_are_closed() -> None:
    async def work(shop: Shop, _: Any) -> None:
        out: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            out.append(message)

        await shop.app({"type": "websocket"}, receive, send)
        assert [message["type"] for message in out] == ["websocket.close"]

    serving(work)


def run_lifespan(app: App) -> list[Any]:
    """Start and stop *app* as an ASGI server does; give what it said."""

    async def scenario() -> list[Any]:
        out: list[Any] = []
        waiting = ["lifespan.startup", "lifespan.shutdown"]

        async def receive() -> Any:
            return {"type": waiting.pop(0)}

        async def send(message: Any) -> None:
            out.append(message)

        await app({"type": "lifespan"}, receive, send)
        return out

    return asyncio.run(scenario())


@pytest.mark.proves("IN-15")
def test_under_any_server_the_lifespan_opens_and_closes_the_log(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMESCAPE_STORE", f"sqlite:///{tmp_path}/shop.db")

    said = [message["type"] for message in run_lifespan(Shop().app)]

    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert (tmp_path / "shop.db").exists()


@pytest.mark.proves("IN-15")
def test_a_failing_start_fails_the_lifespan(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMESCAPE_STORE", f"sqlite:///{tmp_path}/no/such/folder/shop.db")

    with pytest.raises(EventStoreError):
        run_lifespan(Shop().app)


def test_an_answer_of_the_shop_is_a_receipt() -> None:
    assert msgspec.json.decode(asked("POST", "/orders/7", GOOD).body, type=Receipt).order == 7
