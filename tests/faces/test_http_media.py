"""Bodies that are something else than JSON, or compressed: what they become, and their bounds."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import Request, Sensitive
from runtime.facts import RequestReceived
from runtime.ingress.media import Media
from runtime.ingress.packed_shapes import refused_packed
from runtime.ingress.shapes import Shape, refused_shape
from runtime.testing import FakeClock, SeededIds, run_virtual
from runtime.timescape import Refusal
from tests.faces.asgi import Headers, Reply, ask, facts_of, memory_store
from tests.faces.guarded import Site, on
from tests.faces.test_http_transformers import MARCH
from tests.faces.test_http_transformers import shop as shop_of_two_versions

MSGPACK, FORM = "application/msgpack", "application/x-www-form-urlencoded"


class Order(msgspec.Struct):
    customer: str
    count: int = 1
    skus: list[str] = []
    gift: bool | None = None
    picture: bytes = b""
    due: datetime | None = None
    card: Annotated[str, Sensitive] = ""


class Nested(msgspec.Struct):
    order: Order


ORDER = Order("ann", 3, ["tea", "cup"], gift=True, picture=b"\x00\xff")


def shop(**settings: Any) -> tuple[Site, list[Any]]:
    """Make a shop that keeps what its handlers were given."""
    site = Site(**settings)
    seen: list[Any] = []

    @site.app.handler("POST /orders")
    async def order(req: Request[Order]) -> None:
        seen.append(req.body)

    @site.app.handler("POST /nested")
    async def nested(req: Request[Nested]) -> None:
        seen.append(req.body)

    @site.app.handler("POST /anything")
    async def anything(req: Request[Any]) -> None:
        seen.append(req.body)

    @site.app.handler("POST /raw")
    async def raw(req: Request[bytes]) -> None:
        seen.append(req.body)

    @site.app.handler("POST /nothing")
    async def nothing(req: Request[None]) -> None:
        seen.append(req.body)

    return site, seen


def send(site: Site, target: str, body: bytes, media: str, *headers: tuple[str, str]) -> Reply:
    """Send one body."""
    sent: Headers = [("content-type", media), *headers]
    # Each start of a site takes its ids by how much is in it.
    site.ran.append(body)

    async def work(_: Site) -> Reply:
        return await ask(site.app, "POST", target, body, headers=sent)

    reply: Reply = on(site, work)
    return reply


def multipart(*parts: tuple[str, bytes], ends: bool = True) -> tuple[bytes, str]:
    """Write a multipart body; give its media type, too."""
    whole = b""
    for name, content in parts:
        whole += b"--XX\r\nContent-Disposition: form-data; name=%s\r\n\r\n" % name.encode()
        whole += content + b"\r\n"
    return whole + (b"--XX--\r\n" if ends else b""), "multipart/form-data; boundary=XX"


# --- what is taken ---

FIELDS = [("customer", "ann"), ("count", "3"), ("skus", "tea"), ("skus", "cup"), ("gift", "true")]


@pytest.mark.proves("IN-9")
@pytest.mark.parametrize(
    ("body", "media"),
    [
        (msgspec.json.encode(ORDER), "application/vnd.shop.order+json; charset=UTF-8"),
        (msgspec.msgpack.encode(ORDER), MSGPACK),
        (msgspec.msgpack.encode(ORDER), "application/vnd.msgpack"),
        (urlencode([*FIELDS, ("picture", b"\x00\xff")]).encode(), FORM),
        multipart(*[(n, v.encode()) for n, v in FIELDS], ("picture", b"\x00\xff")),
    ],
)
def test_a_handler_gets_the_same_value_whatever_it_came_as(body: bytes, media: str) -> None:
    site, seen = shop()

    reply = send(site, "/orders", body, media)

    assert reply.status == 204
    assert seen == [ORDER]
    first = facts_of(site.store, reply)[0].data
    assert isinstance(first, RequestReceived)
    assert first.body["picture"] == "AP8="
    assert ("content-type", media) in first.headers


@pytest.mark.proves("IN-9", "GT-19")
def test_what_is_sensitive_is_left_out_of_the_record_of_a_form_as_well() -> None:
    site, seen = shop()

    reply = send(site, "/orders", b"customer=a&card=4111", FORM)

    assert seen[0].card == "4111"
    first = facts_of(site.store, reply)[0].data
    assert isinstance(first, RequestReceived)
    assert "4111" not in str(first)


@pytest.mark.proves("IN-9")
def test_a_handler_without_a_type_gets_the_text_of_a_form() -> None:
    site, seen = shop()

    assert send(site, "/anything", b"a=1&b=x+y%26&b=%C3%A9&c&a.b=", FORM).status == 204
    assert seen == [{"a": "1", "b": ["x y&", "é"], "c": "", "a.b": ""}]


@pytest.mark.proves("IN-9")
def test_a_handler_for_bytes_gets_them_of_any_type_and_one_for_nothing_none() -> None:
    site, seen = shop()

    assert send(site, "/raw", b"\xc1", "image/png").status == 204
    assert send(site, "/nothing", b"\xc1", "image/png").status == 204
    assert seen == [b"\xc1", None]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=40,
)


@pytest.mark.proves("IN-9", "IN-4")
@given(values, st.sampled_from([Shape(), Shape(3, 3)]))
def test_what_json_can_say_is_the_same_said_in_msgpack_and_has_the_same_limits(
    value: Any, shape: Shape
) -> None:
    reads = Media(shape)._packed
    packed, written = msgspec.msgpack.encode(value), msgspec.json.encode(value)

    found = reads(packed)

    refused = refused_shape(written, shape)
    if refused is None:
        assert found == written
    else:
        assert isinstance(found, Refusal)
        assert (found.code, found.status) == ("too-complex", 400)


@pytest.mark.proves("IN-4", "IN-9")
@given(st.binary(max_size=60), st.integers(0, 60))
def test_no_bytes_are_more_than_refused(noise: bytes, cut: int) -> None:
    """Whatever is no msgpack is refused by the walk or by the decoder, and never raises."""
    good = msgspec.msgpack.encode([{"a": [1, 2.5, None, "x" * 40]}, noise])
    for raw in (noise, good[:cut] + noise, good[:cut]):
        found = Media()._packed(raw)
        if isinstance(found, Refusal):
            assert found.code in {"malformed-body", "too-complex"}
        else:
            msgspec.json.decode(found)


# --- what is refused ---

PACKED_FAULTS = {
    "nothing": (b"\xc1", "malformed-body"),
    "cut": (b"\x92\x01", "malformed-body"),
    "more": (b"\x01\x01", "malformed-body"),
    "text cut": (b"\xdb\xff\xff\xff\xffab", "malformed-body"),
    "not utf-8": (b"\xa1\xff", "malformed-body"),
    "nan": (msgspec.msgpack.encode(float("nan")), "malformed-body"),
    "infinity": (b"\xca\x7f\x80\x00\x00", "malformed-body"),
    "extension": (msgspec.msgpack.encode(msgspec.msgpack.Ext(3, b"x")), "malformed-body"),
    "key": (b"\x81\xc0\x01", "malformed-body"),
    "list as key": (b"\x81\x90\x01", "malformed-body"),
    "bomb of a list": (b"\xdd\xff\xff\xff\xff", "too-complex"),
    "bomb of a map": (b"\xdf\x7f\xff\xff\xff", "too-complex"),
    "deep": (b"\x91" * 65 + b"\x01", "too-complex"),
    "very deep": (b"\x91" * 500_000, "too-complex"),
    "many": ((b"\xdc\x27\x10" + b"\x01" * 10_000).join([b"\x9b", *[b""] * 10]), "too-complex"),
}


@pytest.mark.proves("IN-4", "IN-9")
@pytest.mark.parametrize("name", PACKED_FAULTS)
def test_msgpack_that_is_none_or_too_much_is_refused_before_it_is_decoded(name: str) -> None:
    body, code = PACKED_FAULTS[name]
    site, seen = shop()

    reply = send(site, "/anything", body, MSGPACK)

    assert (reply.status, reply.code, seen) == (400, code, [])


@pytest.mark.proves("IN-4")
def test_as_deep_as_json_may_be_msgpack_may_be_too() -> None:
    assert refused_packed(b"\x91" * 64 + b"\x01", Shape()) is None
    assert refused_packed(b"\x91" * 65 + b"\x01", Shape()) is not None


FORM_FAULTS: dict[str, tuple[bytes, str, int, str]] = {
    "bad escape": (b"a=%zz", FORM, 400, "malformed-body"),
    "json": (b'{"a": 1}', FORM, 400, "malformed-body"),
    "not utf-8": (b"a=%ff", FORM, 400, "malformed-body"),
    "many fields": (b"a&" * 1_001, FORM, 400, "too-complex"),
    "another charset": (b"a=1", FORM + "; charset=latin-1", 415, "media-unsupported"),
    "parts without end": (*multipart(("a", b"1"), ends=False), 400, "malformed-body"),
    "no boundary": (b"--XX--\r\n", "multipart/form-data", 415, "media-unsupported"),
    "no parts": (b"hello", "multipart/form-data; boundary=XX", 400, "malformed-body"),
    "no name": (
        b"--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n--XX--\r\n",
        "multipart/form-data; boundary=XX",
        400,
        "malformed-body",
    ),
    "mixed": (multipart(("a", b"1"))[0], "multipart/mixed; boundary=XX", 415, "media-unsupported"),
    "parts not utf-8": (*multipart(("a", b"\xff")), 400, "malformed-body"),
    "many parts": (*multipart(*[("a", b"1")] * 101), 400, "too-complex"),
    "xml": (b"<a/>", "application/xml", 415, "media-unsupported"),
}


@pytest.mark.proves("IN-9")
@pytest.mark.parametrize("name", FORM_FAULTS)
def test_a_form_that_is_none_or_too_much_is_refused(name: str) -> None:
    body, media, status, code = FORM_FAULTS[name]
    site, seen = shop()

    reply = send(site, "/anything", body, media)

    assert (reply.status, reply.code, seen) == (status, code, [])
    if status == 415:
        taken = f"application/json, {MSGPACK}, {FORM}, multipart/form-data"
        assert reply.header("accept-post") == taken


@pytest.mark.proves("IN-9")
def test_a_form_whose_first_name_begins_like_json_is_a_form() -> None:
    site, seen = shop()

    assert send(site, "/anything", b"{a}=1&b=2", FORM).status == 204
    assert seen == [{"{a}": "1", "b": "2"}]


@pytest.mark.proves("IN-9")
def test_a_hundred_parts_are_taken() -> None:
    site, seen = shop()

    assert send(site, "/anything", *multipart(*[("a", b"1")] * 100)).status == 204
    assert seen == [{"a": ["1"] * 100}]


@pytest.mark.proves("IN-9", "GT-7")
def test_a_form_is_of_the_type_or_is_refused_and_a_type_that_no_form_holds_takes_none() -> None:
    site, seen = shop()

    wrong = send(site, "/orders", b"count=3.0&skus=a&gift=yes", FORM)
    nested = send(site, "/nested", b"order=1", FORM)

    assert (wrong.status, wrong.code) == (400, "validation-failed")
    assert [each["path"] for each in wrong.json["issues"]] == ["/customer", "/count", "/gift"]
    assert nested.status == 415
    assert nested.header("accept-post") == f"application/json, {MSGPACK}"
    assert seen == []


@pytest.mark.proves("IN-1", "IN-3", "IN-9")
def test_what_becomes_longer_as_json_is_bounded_as_json() -> None:
    site, seen = shop(max_body=100)

    short = send(site, "/anything", msgspec.msgpack.encode(b"x" * 60), MSGPACK)
    long = send(site, "/anything", msgspec.msgpack.encode(b"x" * 90), MSGPACK)

    assert (short.status, long.status, long.code) == (204, 413, "body-too-large")
    assert len(seen) == 1


@pytest.mark.proves("IN-9", "TX-5")
def test_a_caller_of_an_older_version_sends_what_that_takes_whoever_serves_it() -> None:
    app = shop_of_two_versions()
    form = [("content-type", FORM)]

    async def scenario() -> list[Reply]:
        app.start(memory_store(), clock=FakeClock(), ids=SeededIds(7))
        try:
            targets = (f"/orders?version={MARCH}", "/orders")
            return [await ask(app, "POST", t, b"sku=mug&qty=2", headers=form) for t in targets]
        finally:
            await app.stop()

    older, newest = run_virtual(scenario())
    assert older.json == {"ordered": "2 mug"}
    assert newest.status == 415


# --- answers ---


@pytest.mark.proves("RS-3")
@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/msgpack", MSGPACK),
        ("Application/MsgPack;q=0.5, */*;q=0.1", MSGPACK),
        ("application/msgpack, application/json;q=0.9", MSGPACK),
        ("application/msgpack, application/json", "application/json"),
        ("application/msgpack;q=0", "application/json"),
        ("application/msgpack;q=many, application/json", "application/json"),
        ("text/html", "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        (";;q,,=", "application/json"),
    ],
)
def test_an_answer_is_msgpack_for_who_asks_for_it(accept: str, media: str) -> None:
    site = Site()
    site.handler("GET /things", {"a": [1, None, "é"]})
    site.handler("GET /large", 1 << 70)
    headers = [("accept", accept)]

    async def work(_: Site) -> list[Reply]:
        targets = ("/things", "/large", "/nowhere")
        asked = [await ask(site.app, "GET", each, headers=headers) for each in targets]
        return [*asked, await ask(site.app, "HEAD", "/things", headers=headers)]

    things, large, nowhere, head = on(site, work)
    assert things.header("content-type") == media
    decode = msgspec.msgpack.decode if media == MSGPACK else msgspec.json.decode
    assert decode(things.body) == {"a": [1, None, "é"]}
    assert things.header("content-length") == str(len(things.body)) == head.header("content-length")
    assert large.json == 1 << 70
    assert nowhere.header("content-type") == "application/problem+json"
    sent = facts_of(site.store, things)[-1].data
    assert sent.body == {"a": [1, None, "é"]}
