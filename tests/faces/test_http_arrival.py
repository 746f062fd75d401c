"""What is known of a request when it arrives, and whose word is taken for it."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import App, LocalContext, Request, Response
from runtime.errors import PolicySyntaxError, ResponseHeaderError
from runtime.facts import RequestReceived
from runtime.ingress.proxies import Origin, Proxies
from runtime.messages import check_header
from tests.faces.asgi import Reply, ask, exchange, facts_of, scope_of
from tests.faces.guarded import Site, bearer, on, token


def received(site: Site, reply: Reply) -> RequestReceived:
    first = facts_of(site.store, reply)[0].data
    assert isinstance(first, RequestReceived)
    return first


def arrived(*headers: tuple[str, str], target: str = "/things", **settings: Any) -> RequestReceived:
    """Say what is recorded of a request with *headers*."""
    site = Site(**settings)
    site.handler()

    async def work(_: Site) -> Reply:
        return await ask(site.app, "GET", target, headers=headers)

    reply = on(site, work)
    assert reply.status == 200
    return received(site, reply)


@pytest.mark.proves("IN-11")
def test_the_descriptor_says_all_that_is_known_of_a_request() -> None:
    site = Site()
    site.handler("POST /things/{name}")
    headers = [
        ("x-request-id", "theirs"), ("timescape-priority", "3"), ("timescape-flags", "beta"),
        ("timescape-timeout", "2.5"), ("traceparent", f"00-{'4b' * 16}-{'0a' * 8}-01"),
        ("x-api-version", "latest"), ("authorization", f"Bearer {token()}"), ("cookie", "a=b"),
    ]  # fmt: skip

    async def work(_: Site) -> tuple[Reply, Reply]:
        return (
            await ask(site.app, "POST", "/things/a%20b?q=1&q=2", {"n": 1}, headers=headers),
            await ask(site.app, "POST", "/things/a", {"n": 1}),
        )

    first, plain = on(site, work)
    said = received(site, first)

    assert (said.method, said.route, said.handler) == (
        "POST", "POST /things/{name}", "post-things-name",
    )  # fmt: skip
    assert (said.path, said.params, said.query) == (
        "/things/a%20b", {"name": "a b"}, (("q", "1"), ("q", "2")),
    )  # fmt: skip
    assert dict(said.headers) == {
        "host": "shop.example", "x-request-id": "theirs", "timescape-priority": "3",
        "timescape-flags": "beta", "timescape-timeout": "2.5", "x-api-version": "latest",
        "traceparent": f"00-{'4b' * 16}-{'0a' * 8}-01", "content-type": "application/json",
        "content-length": "7",
    }  # fmt: skip
    assert said.withheld == ("authorization", "cookie")
    assert (said.body, said.body_size, len(said.body_digest)) == ({"n": 1}, 7, 64)
    assert said.selectors == (("header x-api-version", "latest"),)
    assert (said.priority, said.flags, said.timeout_s) == (3, ("beta",), 2.5)
    assert (said.client, said.scheme, said.host) == ("192.0.2.7", "", "")
    assert (said.trace_id, said.parent_span_id) == ("4b" * 16, "0a" * 8)
    assert (len(said.seed), said.correlation_id, len(said.config)) == (32, "theirs", 16)
    assert facts_of(site.store, first)[0].at_us == site.clock()
    other = received(site, plain)
    assert (other.priority, other.flags, other.timeout_s, other.selectors) == (5, (), 30.0, ())


@pytest.mark.proves("IN-11", "IN-14")
def test_of_headers_that_nobody_named_only_the_name_is_recorded() -> None:
    headers = [
        ("x-tenant", "acme"), ("x-patient", "4711"), ("cookie", "a=b"), ("cookie", "c=d"),
        ("tracestate", "a=" + "b" * 511), ("user-agent", "shop/2"),
    ]  # fmt: skip
    site = Site(record_headers=["X-Tenant"])
    site.handler("GET /things")

    async def work(_: Site) -> Reply:
        return await ask(site.app, "GET", "/things", headers=headers)

    said = received(site, on(site, work))

    assert dict(said.headers) == {
        "host": "shop.example", "x-tenant": "acme", "user-agent": "shop/2",
    }  # fmt: skip
    assert said.withheld == ("x-patient", "cookie")


@pytest.mark.proves("IN-11")
@pytest.mark.parametrize("name", ["authorization", "X-Api-Key", "set-cookie", "x tenant", ""])
def test_a_header_that_may_hold_a_credential_cannot_be_recorded(name: str) -> None:
    with pytest.raises(PolicySyntaxError, match="record_headers"):
        App("shop", record_headers=[name])


# --- priority, flags, timeout ---


@pytest.mark.proves("IN-12")
@pytest.mark.parametrize(
    ("sent", "anonymous", "known"),
    [("0", 0, 0), ("7", 5, 7), ("99", 5, 10), ("-4", 0, 0), ("+6", 5, 6), ("high", 5, 5),
     ("", 5, 5), ("5.5", 5, 5), ("9" * 30, 5, 5)],
)  # fmt: skip
def test_priority_is_clamped_and_not_above_the_ceiling(
    sent: str, anonymous: int, known: int
) -> None:
    headers = ("timescape-priority", sent), *bearer(token())

    assert arrived(headers[0]).priority == anonymous
    assert arrived(*headers).priority == known


@pytest.mark.proves("IN-12", "LC-3")
def test_flags_are_read_as_a_list_and_a_handler_sees_them() -> None:
    many = ",".join(f"f{n}" for n in range(25))
    sent = "Beta , new-prices,, -x,a b,_c,beta," + "y" * 64 + "," + "z" * 65 + "," + many
    app, seen = Site(), []

    @app.app.handler("GET /flags")
    async def flags(lctx: LocalContext) -> None:
        seen.append(lctx.meta.flags)

    async def work(site: Site) -> Reply:
        return await ask(site.app, "GET", "/flags", headers=[("timescape-flags", sent)])

    first = received(app, on(app, work))
    assert first.flags[:4] == ("beta", "new-prices", "y" * 64, "f0")
    assert len(first.flags) == 20
    assert seen == [first.flags]


@pytest.mark.proves("IN-12", "CN-2")
@pytest.mark.parametrize(
    ("sent", "allowed_s"), [("0.5", 0.5), ("9", 2.0), ("2.000", 2.0), ("0", 0.0), ("00.25", 0.25)]
)
def test_the_callers_timeout_only_lowers_the_deadline(sent: str, allowed_s: float) -> None:
    site = Site()

    @site.app.handler("GET /hangs", timeout=2.0)
    async def hangs() -> None:
        await asyncio.Event().wait()

    async def work(_: Site) -> tuple[Reply, float]:
        began = asyncio.get_running_loop().time()
        reply = await ask(site.app, "GET", "/hangs", headers=[("timescape-timeout", sent)])
        return reply, asyncio.get_running_loop().time() - began

    reply, took_s = on(site, work)
    assert (reply.status, reply.code) == (504, "timeout")
    assert took_s == pytest.approx(allowed_s, abs=1e-6)
    assert received(site, reply).timeout_s == allowed_s


@pytest.mark.proves("IN-12")
@pytest.mark.parametrize(
    "sent", ["", "soon", "-1", "+1", "1e3", "nan", "inf", "1.", ".5", "1,5", "1 2", "9" * 11, "٣"]
)
def test_a_timeout_that_is_no_number_of_seconds_is_refused(sent: str) -> None:
    site = Site()
    site.handler()

    async def work(_: Site) -> Reply:
        return await ask(site.app, "GET", "/things", headers=[("timescape-timeout", sent.encode())])

    reply = on(site, work)
    assert (reply.status, reply.code) == (400, "header-malformed")
    assert site.ran == []


@pytest.mark.proves("IN-9")
@pytest.mark.parametrize(("sent", "status"), [("100-Continue", 200), ("200-ok", 417), ("", 417)])
def test_an_expectation_that_is_not_known_is_refused(sent: str, status: int) -> None:
    site = Site()
    site.handler()

    async def work(_: Site) -> Reply:
        return await ask(site.app, "GET", "/things", headers=[("expect", sent)])

    reply = on(site, work)
    assert reply.status == status
    assert status == 200 or reply.code == "expectation-failed"


# --- the client's address ---

TRUSTED = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"]
PEER = "192.0.2.7"


@pytest.mark.proves("IN-13")
@pytest.mark.parametrize(
    ("field", "values", "client"),
    [
        ("x-forwarded-for", [], PEER),
        ("x-forwarded-for", ["203.0.113.5"], "203.0.113.5"),
        ("x-forwarded-for", ["198.51.100.1, 203.0.113.5, 10.1.1.1"], "203.0.113.5"),
        ("x-forwarded-for", ["198.51.100.1", "203.0.113.5", "10.1.1.1"], "203.0.113.5"),
        ("x-forwarded-for", ["203.0.113.5:4711"], "203.0.113.5"),
        ("x-forwarded-for", ["[2001:DB8::1]:4711, fd00::1"], "2001:db8::1"),
        ("x-forwarded-for", ["::ffff:203.0.113.5"], "203.0.113.5"),
        ("x-forwarded-for", ["203.0.113.5, unknown, 10.1.1.1"], PEER),
        ("x-forwarded-for", ["203.0.113.5,"], PEER),
        ("x-forwarded-for", ["fe80::1%eth0"], PEER),
        ("x-forwarded-for", ["10.1.1.1, 10.1.1.2"], PEER),
        ("forwarded", ["for=203.0.113.5"], "203.0.113.5"),
        ("forwarded", ['for=198.51.100.1, For="[2001:db8::1]:80";proto=https'], "2001:db8::1"),
        ("forwarded", ['for="a,b;c", for=203.0.113.5;by=_x'], "203.0.113.5"),
        ("forwarded", ["for=203.0.113.5, for=_hidden"], PEER),
        ("forwarded", ["for=203.0.113.5;for=198.51.100.1"], PEER),
        ("forwarded", ["203.0.113.5"], PEER),
        ("forwarded", ['for="203.0.113.5'], PEER),
    ],
)
def test_the_client_is_the_last_hop_that_is_not_trusted(
    field: str, values: list[str], client: str
) -> None:
    headers = [(field, value) for value in values]

    assert Proxies(TRUSTED, field).origin(PEER, headers).client == client
    assert Proxies(["10.0.0.0/8"], field).origin(PEER, headers) == Origin(PEER)


@pytest.mark.proves("IN-13")
def test_scheme_and_host_are_those_that_the_trusted_proxy_tells() -> None:
    plain, named = Proxies(TRUSTED), Proxies(TRUSTED, "forwarded")
    headers = [
        ("x-forwarded-for", "203.0.113.5"), ("x-forwarded-proto", "gopher, HTTPS"),
        ("x-forwarded-host", "evil.example, shop.example"),
        ("forwarded", "for=1.1.1.1;host=evil.example, for=203.0.113.5;proto=https;host=shop.example"
         ", for=10.0.0.1;proto=http;host=inner"),
    ]  # fmt: skip

    origin = Origin("203.0.113.5", "https", "shop.example")
    assert plain.origin(PEER, headers) == origin
    assert named.origin(PEER, headers) == origin
    assert plain.origin(PEER, [("x-forwarded-proto", "gopher")]) == Origin(PEER)


hops = st.lists(
    st.sampled_from(["10.0.0.1", "10.9.9.9", "203.0.113.5", "198.51.100.1", "fd00::1", "rubbish"]),
    max_size=6,
)


@pytest.mark.proves("IN-13")
@given(hops, hops, st.sampled_from(["x-forwarded-for", "forwarded"]))
def test_what_a_client_writes_itself_changes_nothing(
    forged: list[str], honest: list[str], field: str
) -> None:
    """Left of the first hop that no proxy vouches for, anybody may have written anything."""

    def told(listed: list[str]) -> Origin:
        quoted = [f'for="[{h}]"' if ":" in h else f"for={h}" for h in listed]
        value = ", ".join(quoted if field == "forwarded" else listed)
        return Proxies(TRUSTED, field).origin(PEER, [(field, value)] if listed else [])

    theirs = "203.0.113.77"
    assert told([*forged, theirs, *honest]) == told([theirs, *honest])


@pytest.mark.proves("IN-13", "RL-2", "IN-6")
def test_limits_hosts_and_records_go_by_what_is_proven() -> None:
    site = Site(trusted_proxies=TRUSTED, allowed_hosts=["shop.example"])
    site.handler(limits="1/minute")

    async def ask_by(client: str, host: str, peer: str = PEER) -> Reply:
        headers = [
            ("host", "inner:8000"), ("x-forwarded-for", client), ("x-forwarded-host", host),
            ("x-forwarded-proto", "https"),
        ]  # fmt: skip
        scope = scope_of("GET", "/things", headers)
        scope["client"] = (peer, 4711)
        return await exchange(site.app, scope, [b""])

    async def work(_: Site) -> list[Reply]:
        return [
            await ask_by("203.0.113.5", "shop.example"),
            await ask_by("203.0.113.5", "shop.example"),
            await ask_by("203.0.113.6", "shop.example"),
            await ask_by("203.0.113.7", "evil.example"),
            await ask_by("203.0.113.8", "shop.example", "198.51.100.9"),
        ]

    replies = on(site, work)
    assert [each.status for each in replies] == [200, 429, 200, 400, 400]
    assert [each.code for each in replies[3:]] == ["invalid-host", "invalid-host"]
    first = received(site, replies[0])
    assert (first.client, first.scheme, first.host) == ("203.0.113.5", "https", "shop.example")
    assert received(site, replies[4]).client == "198.51.100.9"


@pytest.mark.proves("IN-13")
@pytest.mark.parametrize(
    "wrong", [{"trusted_proxies": ["ten"]}, {"trusted_proxies": "10.0.0.0/8"},
              {"trusted_proxies": ["10.0.0.1"], "forwarded_by": "x-real-ip"}],
)  # fmt: skip
def test_proxies_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(PolicySyntaxError):
        App("shop", **wrong)


# --- fields of answers ---


@pytest.mark.proves("RS-2")
@pytest.mark.parametrize(
    ("name", "value"),
    [("Content-Length", "1"), ("transfer-encoding", "chunked"), ("Connection", "close"),
     ("date", "now"), ("Request-Id", "mine"), ("Timescape-Version", "1"), ("RateLimit", "1"),
     ("ratelimit-policy", "1"), ("", "a"), ("x a", "b"), ("x:a", "b"), ("x-é", "b"),
     ("x-a\r\nset-cookie", "b"), ("x-a", "b\r\nc: d"), ("x-a", "b\nc"), ("x-a", "b\0"),
     ("x-a", "\x1b[2J"), ("x-a", "\x7f"), ("x-a", "☕")],
)  # fmt: skip
def test_a_field_that_may_not_be_set_is_refused_at_the_call(name: str, value: str) -> None:
    with pytest.raises(ResponseHeaderError) as caught:
        Response().header(name, value)

    assert repr(name[:64]) in str(caught.value)


texts = st.lists(
    st.sampled_from(
        [*map(chr, range(32)), *"aZ0-_: \t", "timescape-", "ratelimit", "é", "☕", "\x7f"]
    ),
    max_size=6,
).map("".join)


@pytest.mark.proves("RS-2")
@given(texts, texts)
def test_what_is_let_through_is_one_field_and_none_of_the_runtimes(name: str, value: str) -> None:
    try:
        check_header(name, value)
    except ResponseHeaderError:
        return
    line = f"{name}: {value}".encode("latin-1")
    assert line.isascii() or name.isascii()
    assert not set(line) & {*range(9), *range(10, 32), 127}
    assert name
    assert not name.lower().startswith(("timescape-", "ratelimit"))


@pytest.mark.proves("RS-2", "HW-4")
def test_the_handler_is_the_one_who_hears_of_it() -> None:
    site, heard = Site(), []

    @site.app.handler("GET /sets")
    async def sets(req: Request[None], res: Response) -> str:
        try:
            res.header("Request-Id", "mine")
        except ResponseHeaderError as error:
            heard.append(error.problem)
        return "done"

    async def work(_: Site) -> Reply:
        return await ask(site.app, "GET", "/sets")

    reply = on(site, work)
    assert heard == ["Header 'Request-Id' is set by the runtime."]
    assert reply.status == 200
    assert reply.request_id.startswith("req-")
