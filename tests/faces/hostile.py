"""Requests that nobody sends by accident, made from a seed: each kind of fault the edge knows.

A request is a scope and the pieces of its body, as an ASGI server would hand it over.
"""

import gzip
import json
import random
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from runtime import App, Request
from runtime.authentication import ApiKey, ApiKeys, Jwt, key_digest
from tests.faces.asgi import Message, scope_of
from tests.faces.guarded import ISSUER, KEY, SECRET, token
from tests.faces.hostile_types import Basket

JSON = ("content-type", "application/json")
PRIME = (1 << 61) - 1
"""Whole multiples of it have one hash."""
HOST = ("host", "shop.example")
CODES: dict[int, frozenset[str]] = {
    400: frozenset(
        {
            "validation-failed", "query-malformed", "header-malformed", "header-repeated",
            "bad-framing", "bad-path", "invalid-host", "too-complex", "malformed-body",
            "credentials-ambiguous", "version-malformed", "version-conflict", "version-in-future",
            "idempotency-key-malformed", "idempotency-key-required",
        }
    ),
    401: frozenset({"credentials-required", "credentials-invalid"}),
    403: frozenset({"forbidden"}),
    404: frozenset(
        {"route-not-found", "version-not-found", "version-before-first", "tag-not-found"}
    ),
    405: frozenset({"method-not-allowed"}),
    408: frozenset({"request-timeout"}),
    409: frozenset(
        {"idempotency-in-flight", "idempotency-answer-gone", "idempotency-outcome-unknown"}
    ),
    410: frozenset({"version-deactivated", "version-sunset"}),
    413: frozenset({"body-too-large"}),
    414: frozenset({"target-too-long"}),
    415: frozenset({"media-unsupported", "encoding-unsupported"}),
    417: frozenset({"expectation-failed"}),
    422: frozenset({"idempotency-key-reused"}),
    429: frozenset({"rate-limited"}),
    431: frozenset({"headers-too-large"}),
    501: frozenset({"method-unknown", "coding-unknown"}),
    503: frozenset({"table-behind"}),
    504: frozenset({"timeout"}),
}  # fmt: skip
"""What a hostile request may be answered, where every handler is good and the log is well."""


class Hostile(NamedTuple):
    """A request."""

    kind: str
    scope: Message
    pieces: Sequence[bytes]
    """Of the body; then the client has gone."""


def shop() -> App:
    """Make an app with something of everything that a request can reach."""
    auth = [
        Jwt(issuer=ISSUER, audiences=["shop"], keys={"k": SECRET}, algorithms=["HS256"]),
        ApiKeys("shop", [ApiKey("k1", key_digest(KEY), roles=("robot",))]),
    ]
    app = App("shop", auth=auth, trusted_proxies=["192.0.2.0/24"])

    @app.handler("POST /baskets/{number:int}", version="2026-03-01")
    async def old(req: Request[Basket]) -> int:
        return len(req.body.names)

    @app.handler("POST /baskets/{number:int}", version="2026-09-01")
    async def new(req: Request[Basket]) -> int:
        return req.path.number  # type: ignore[no-any-return]

    @app.handler("PUT /any/{rest:path}", idempotency="optional", max_body=64 * 1024)
    async def anything(req: Request[Any]) -> Any:
        return req.body

    @app.handler("PUT /packed", decompress=True)
    async def packed(req: Request[Any]) -> Any:
        return req.body

    @app.handler("PUT /raw")
    async def raw(req: Request[bytes]) -> bytes:
        return req.body[:9]

    @app.handler("GET /mine", roles=["robot"])
    async def mine() -> str:
        return "mine"

    @app.handler("GET /few", limits="5/minute")
    async def few() -> str:
        return "few"

    @app.handler("GET /echo/{name}")
    async def echo(req: Request[None]) -> str:
        return req.path.name  # type: ignore[no-any-return]

    return app


Maker = Callable[[random.Random], Hostile]


def _request(
    kind: str,
    method: str,
    target: str | bytes,
    *headers: tuple[str | bytes, str | bytes],
    body: bytes = b"",
    length: bool = True,
) -> Hostile:
    sent = list(headers)
    if body and length:
        sent.append(("content-length", str(len(body))))
    return Hostile(kind, scope_of(method, target, sent), [body])


def _junk(chance: random.Random, most: int) -> bytes:
    return chance.randbytes(chance.randrange(1, most))


def targets(chance: random.Random) -> Hostile:
    path = chance.choice(
        [
            b"/echo/" + _junk(chance, 40), b"/echo/%" + _junk(chance, 4), b"/echo/%00", b"//",
            b"/echo/../mine", b"/echo/%2e%2E/mine", b"/" + b"a/" * chance.randrange(1, 5_000),
            b"/" + b"%2f" * chance.randrange(1, 3_000), b"*", b"", b"/echo/\xf0\x28\x8c\x28",
            b"http://evil/echo/a", b"/baskets/" + b"9" * chance.randrange(1, 9_000), b"/echo/%ed",
            b"/echo/a?" + b"&".join([b"a=%ff"] * chance.randrange(300)), b"/echo/a?%",
            b"/echo/a?" + b"a" * chance.randrange(9_000), b"/echo/a?" + _junk(chance, 200),
        ]
    )  # fmt: skip
    return _request("target", chance.choice(["GET", "POST", "HEAD", "OPTIONS"]), path, HOST)


def methods(chance: random.Random) -> Hostile:
    method = chance.choice(["BREW", "get", "", "G\0T", "A" * 9_000, "TRACE", "CONNECT", "é"])
    return _request("method", method, chance.choice(["/echo/a", "/nowhere"]), HOST)


def heads(chance: random.Random) -> Hostile:
    name = chance.choice(
        ["x-a", "te_st", "content_length", "x_api_key", "", " ", "a b", "a\r\nb", "é", "a:",
         "timescape-table", "timescape-timeout", "traceparent", "expect", "accept", "cookie",
         "content-type", "x-forwarded-for", "x-forwarded-host", "forwarded", "accept-datetime",
         "timescape-flags", "timescape-priority", "idempotency-key", "x-request-id", "baggage",
         "tracestate", "connection", "upgrade", "transfer-encoding", "range", "authorization"]
    )  # fmt: skip
    value = chance.choice(
        [_junk(chance, 60), b"\0", b"\r\nx: y", b"9" * chance.randrange(1, 9_000), b"-1", b"",
         b"\xff", b"," * 5_000, b'"' * 999, b"for=" * 999, b";" * 4_000, b"00-" + b"0" * 32, b"nan",
         b"1e999", b"Thu, 99 Foo 2026 25:61:61 GMT", b"a=b;" * 2_000, b"*/*;q=" + b"9" * 200]
    )  # fmt: skip
    times = chance.choice([1, 1, 1, 2, 101])
    return _request("head", "GET", "/echo/a", HOST, *[(name, value)] * times)


def hosts(chance: random.Random) -> Hostile:
    many = [("host", _junk(chance, 30)) for _ in range(chance.randrange(3))]
    return _request("host", "GET", "/echo/a", *many)


def framings(chance: random.Random) -> Hostile:
    body = b"[1,2,3]"
    lengths: list[list[tuple[str, str]]] = [
        [("content-length", "6"), ("content-length", "7")], [("content-length", "-1")],
        [("content-length", "7"), ("transfer-encoding", "chunked")], [("content-length", "9" * 30)],
        [("content-length", "0x7")], [("content-length", "+7")], [("content-length", "")],
        [("content-length", "3")], [("content-length", "70")], [("content-length", "7, 7")],
        [("transfer-encoding", "gzip, chunked")], [("transfer-encoding", "identity")],
        [("transfer-encoding", "chunked, chunked")], [("transfer-encoding", "x" * 900)],
    ]  # fmt: skip
    made = _request("framing", "PUT", "/any/a", HOST, JSON, *chance.choice(lengths))
    pieces = chance.choice([[body], [body[:3], body[3:]], [], [b""] * 50 + [body]])
    if chance.random() < 0.3:
        made.scope["http_version"] = "1.0"
    return made._replace(pieces=pieces)


def credentials(chance: random.Random) -> Hostile:
    good = token()
    first, _, rest = good.partition(".")
    texts: list[str | bytes] = (
        [
            b"Bearer " + _junk(chance, 200), f"Bearer {rest}", "Bearer " + "a" * 8_100,
            "Bearer " + "." * 4_000, f"Bearer {first}.{first}.{first}", f"Bearer {good[:-3]}aaa",
            "Bearer " + token(header={"crit": ["b64"]}), "Bearer " + token(exp="never"),
            "Bearer " + token(sub={"a": 1}), "Bearer " + token(roles=[[[]]]), "Bearer ",
            "Bearer " + token(exp=10**400), "Bearer " + token(iss=["x"]), "Basic ====",
            "Bearer " + token(header={"kid": "../../etc/passwd"}), "Negotiate x", "bearer  x",
            "ApiKey shop_k1_" + "x" * 3_000, b"ApiKey \xff\xfe", "ApiKey shop__", "Digest " + "a=",
        ]
    )  # fmt: skip
    other = KEY if chance.random() < 0.5 else _junk(chance, 90)
    more = [("x-api-key", other)] if chance.random() < 0.5 else []
    return _request(
        "credentials", "GET", "/mine", HOST, ("authorization", chance.choice(texts)), *more
    )


def selectors(chance: random.Random) -> Hostile:
    text = chance.choice(
        ["tsv:1-a-1", "tsv:" + "9" * 300 + "-a-001", "2026-99-99", "stable;at=@" + "9" * 30,
         "@" + "9" * 400, "@-1", "latest;at=", "9999-12-31", "0001-01-01", "tsv:", ";at=;at=",
         "\x7f", "2026-10-01T25:00:00Z", "2026-02-30T00:00:00Z", "a" * 64, "é", "%0", "tsv:-"]
    )  # fmt: skip
    if chance.random() < 0.5:
        return _request("selector", "POST", f"/baskets/1?v={text}".encode(), HOST, JSON, body=b"{}")
    name = chance.choice(["timescape-version", "x-api-version", "accept-datetime"])
    head = (name, text.encode())
    return _request("selector", "POST", "/baskets/1", HOST, JSON, head, body=b"{}")


def shapes(chance: random.Random) -> Hostile:
    n = chance.randrange(1, 200_000)
    body = chance.choice(
        [b"[" * n, b'{"a":' * n, b"[{" * n, b"[" + b"1," * n + b"1]", b"1" * n, b"-" * n,
         b'{"prices":{' + b",".join(b'"%d":1' % k for k in range(n % 5_000)) + b"}}",
         b'{"numbers":[' + b",".join(b"%d" % (k * PRIME) for k in range(n % 20_000)) + b"]}",
         b'{"total":1e%d}' % n, b'{"total":"' + b"9" * n + b'"}', b'{"total":0.' + b"1" * n + b"}",
         b'"' + b"\\u0000" * n, b'"' + b'\\"' * n + b'"', b"[" + b"{}" * n, b"]" * n, b"," * n,
         b"{" + b",".join(b'"%d":1' % k for k in range(n % 30_000)) + b"}", b" " * n, b"\0" * n,
         b'{"names":[' + b'"' + b"x" * n + b'"' + b"]}", b"\xff" * n, b"\xef\xbb\xbf{}",
         b'{"when":"' + b"9" * 99 + b'-01-01T00:00:00Z"}', b'{"id":"' + b"-" * 99 + b'"}',
         b'{"parts":' + b'[{"parts":' * (n % 90) + b"[]" + b"}]" * (n % 90) + b"}"]
    )[: 1024 * 1024]  # fmt: skip
    target = chance.choice(["/baskets/1", "/any/a"])
    method = "POST" if target == "/baskets/1" else "PUT"
    return _request("shape", method, target, HOST, JSON, body=body)


def values(chance: random.Random) -> Hostile:
    odd: list[Any] = [
        None, True, -1, 10**40, 1e308, "", "x" * 70_000, [], {}, [None], {"": 1}, "\ud800", "\0",
        "1e9999", "NaN", "2026-13-01", "00000000-0000-0000-0000-00000000000g", [[[]]], "+1", 0.1,
    ]  # fmt: skip
    names = ["names", "numbers", "prices", "total", "when", "id", "note", "parts", "kind", "zzz"]
    body = {name: chance.choice(odd) for name in chance.sample(names, chance.randrange(1, 6))}
    raw = json.dumps(body).encode()
    if chance.random() < 0.3:
        cut = bytearray(raw)
        for _ in range(chance.randrange(1, 5)):
            cut[chance.randrange(len(cut))] = chance.randrange(256)
        raw = bytes(cut)
    return _request("value", "POST", "/baskets/1", HOST, JSON, body=raw)


def media(chance: random.Random) -> Hostile:
    kind = chance.choice(
        ["", "text/plain", "application/json; charset=utf-16", "application/json;" * 300, "/",
         "*/*", "application/x-www-form-urlencoded", "multipart/form-data; boundary=" + "a" * 900,
         "application/msgpack", "application/json; charset", "application/a+json; charset=a b"]
    )  # fmt: skip
    coding = chance.choice(["", "gzip", "br", "gzip, gzip", "identity", "deflate", "x" * 500])
    headers: list[tuple[str, str | bytes]] = [
        HOST,
        ("content-type", kind.encode()),
        ("content-encoding", coding),
    ]
    body = chance.choice([b"{}", b"\x1f\x8b\x08" + _junk(chance, 300), b"--a\r\n" * 500])
    return _request("media", "POST", "/baskets/1", *headers, body=body)


def others(chance: random.Random) -> Hostile:
    """Send what is no JSON to who takes it, whole, cut, overwritten, or much of it."""
    n, part = chance.randrange(1, 60_000), b"--aa\r\nContent-Disposition: form-data; name="
    kind, body = chance.choice(
        [("application/msgpack", each) for each in
         [msgspec.msgpack.encode({"a": [1.5, "x" * 40, None, {"b": b"y" * 300}]}), b"\x91" * n,
          b"\xdd\xff\xff\xff\xff" * (n % 99 + 1), b"\xdc\x27\x10" + b"\xc0" * n, b"\x81\xa1a" * n,
          b"\x9f" * n, b"\xdf\x00\x00\x03\xe7" + b"\xa1a\xa1b" * 999, _junk(chance, 300),
          b"\xc9\xff\xff\xff\xff\x00" * 9, b"\xd6\xff" + b"\xff" * 4,
          b"\xc7\x0c\xff" + b"\xff" * 12]]
        + [("application/x-www-form-urlencoded", each) for each in
           [b"a=" + b"&a=" * n, b"&" * n, b"=" * n, b"%00" * n, b"%" * n, b"+" * n, b"a=%ff"]]
        + [("multipart/form-data; boundary=aa", each) for each in
           [b"--aa\r\n" * n, b"--aa" * 99, b"--aa--", b"-" * n, b"\r\n" * n,
            part + b'"a"\r\n\r\n' + b"\xff" * 9 + b"\r\n--aa--",
            part + b'"' + b"\\" * n + b'"\r\n\r\n\r\n--aa--']]
    )  # fmt: skip
    coding = chance.choice(["identity", "gzip", "deflate"])
    body = body if chance.random() < 0.7 else _cut(chance, body)
    if coding != "identity":
        body = (gzip if coding == "gzip" else zlib).compress(body)
        body = body if chance.random() < 0.7 else _cut(chance, body)
    headers = [HOST, ("content-type", kind), ("content-encoding", coding)]
    return _request("other", "PUT", "/packed", *headers, body=body)


def _cut(chance: random.Random, body: bytes) -> bytes:
    """Overwrite some bytes, or leave some out."""
    cut = bytearray(body)
    for _ in range(chance.randrange(1, 5)):
        cut[chance.randrange(len(cut))] = chance.randrange(256)
    return bytes(cut[: chance.randrange(1, len(cut) + 1)] if chance.random() < 0.5 else cut)


def keys(chance: random.Random) -> Hostile:
    key = chance.choice(
        [b"", b'"', b"\xff", b"a" * 256, b'"a\\"', b"a b", _junk(chance, 300), b"k"]
    )
    body = b"[%d]" % chance.randrange(3)
    return _request("key", "PUT", "/any/a", HOST, JSON, ("idempotency-key", key), body=body)


def gone(chance: random.Random) -> Hostile:
    """Declare a body and go away before its end."""
    made = _request("gone", "PUT", "/any/a", HOST, JSON, ("content-length", "5000"))
    return made._replace(pieces=[_junk(chance, 99) for _ in range(chance.randrange(4))])


def flood(chance: random.Random) -> Hostile:
    return _request("flood", "GET", "/few", HOST, ("x-forwarded-for", str(chance.randrange(2))))


MAKERS: tuple[Maker, ...] = (
    targets, methods, heads, hosts, framings, credentials, selectors, shapes, values, media, others,
    keys, gone, flood,
)  # fmt: skip


def hostile(seed: int, number: int) -> list[Hostile]:
    """Make so many requests; the same seed gives the same, as far as tokens go."""
    chance = random.Random(seed)  # noqa: S311 - repeatable by intent
    return [MAKERS[n % len(MAKERS)](chance) for n in range(number)]
