"""Pages of other origins: what a browser is told, and what it costs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import App
from runtime.errors import PolicySyntaxError
from runtime.ingress.cors import Cors
from tests.faces.asgi import Reply, ask, names_of
from tests.faces.guarded import KEY, Site, bearer, on, token

SHOP, OTHER = "https://shop.example", "https://evil.example"


def site_of(**settings: Any) -> Site:
    site = Site(**{"cors": [SHOP], **settings})
    site.handler("PUT /things/{name}", roles=["customer"], limits="1/minute")
    return site


def preflight(origin: str = SHOP, method: str = "PUT", names: str = "") -> list[tuple[str, str]]:
    headers = [("origin", origin), ("access-control-request-method", method)]
    return [*headers, ("access-control-request-headers", names)] if names else headers


def asked(site: Site, *sent: tuple[str, str, list[tuple[str, str]]]) -> list[Reply]:
    async def work(_: Site) -> list[Reply]:
        return [await ask(site.app, m, target, headers=headers) for m, target, headers in sent]

    replies: list[Reply] = on(site, work)
    return replies


def cors_of(reply: Reply) -> dict[str, str]:
    return {n[15:]: v for n, v in reply.headers if n.startswith("access-control-")}


def vary_of(reply: Reply) -> list[str]:
    """Say by what more than the version an answer varies."""
    varies = [value for name, value in reply.headers if name == "vary"]
    return [each for each in varies if "version" not in each]


@pytest.mark.proves("IN-15")
def test_a_preflight_is_answered_without_credentials_handler_or_quota() -> None:
    site = site_of()
    asks = preflight(names="content-type, idempotency-key")

    *asking, real, again = asked(
        site,
        *[("OPTIONS", "/things/a", asks)] * 3,
        ("PUT", "/things/a", [("origin", SHOP), *bearer(token())]),
        ("PUT", "/things/a", [("origin", SHOP), *bearer(token())]),
    )

    for reply in asking:
        assert (reply.status, reply.body) == (204, b"")
        told = cors_of(reply)
        assert told.pop("expose-headers")
        assert told == {
            "allow-origin": SHOP, "allow-methods": "PUT", "max-age": "600",
            "allow-headers": "content-type, idempotency-key",
        }  # fmt: skip
        assert vary_of(reply) == ["origin"]
        assert names_of(site.store, reply)[-1] == "response.sent"
    assert (real.status, again.status) == (200, 429)
    assert cors_of(real)["allow-origin"] == cors_of(again)["allow-origin"] == SHOP
    assert "retry-after" in cors_of(again)["expose-headers"]
    assert len(site.ran) == 1


@pytest.mark.proves("IN-15", "IN-16")
def test_of_many_preflights_the_first_of_a_minute_leave_a_stream() -> None:
    site = site_of()

    replies = asked(site, *[("OPTIONS", "/things/a", preflight())] * 25)

    left = [reply for reply in replies if names_of(site.store, reply)]
    assert len(left) == 20
    assert {reply.status for reply in replies} == {204}


@pytest.mark.proves("IN-15")
def test_a_handler_for_options_is_not_reached_by_a_preflight() -> None:
    site = site_of()
    site.handler("OPTIONS /things/{name}")

    before, plain = asked(
        site, ("OPTIONS", "/things/a", preflight()), ("OPTIONS", "/things/a", [("origin", SHOP)])
    )

    assert (before.status, plain.status) == (204, 200)
    assert len(site.ran) == 1


@pytest.mark.proves("IN-15")
@pytest.mark.parametrize(
    "origin",
    [OTHER, "null", "https://shop.example.evil", "https://SHOP.example", "http://shop.example",
     "https://shop.example:8443", "*"],
)  # fmt: skip
def test_another_origin_is_told_nothing(origin: str) -> None:
    site = site_of()

    before, real = asked(
        site,
        ("OPTIONS", "/things/a", preflight(origin)),
        ("PUT", "/things/a", [("origin", origin), ("x-api-key", KEY)]),
    )

    assert (before.status, real.status) == (204, 403)
    assert cors_of(before) == cors_of(real) == {}
    assert vary_of(before) == vary_of(real) == ["origin"]


@pytest.mark.proves("IN-15")
def test_off_by_default() -> None:
    site = site_of(cors=())

    before, real = asked(
        site,
        ("OPTIONS", "/things/a", preflight()),
        ("PUT", "/things/a", [("origin", SHOP), *bearer(token())]),
    )

    assert (before.status, real.status) == (204, 200)
    assert before.header("allow") == "OPTIONS, PUT"
    assert cors_of(before) == cors_of(real) == {}
    assert vary_of(before) == vary_of(real) == []


@pytest.mark.proves("IN-15")
def test_any_origin_may_be_let_in_but_never_with_credentials() -> None:
    anybody, known = site_of(cors=["*"]), site_of(cors_credentials=True)
    sent = ("OPTIONS", "/things/a", preflight())

    (told,), (kept,) = asked(anybody, sent), asked(known, sent)

    assert (cors_of(told)["allow-origin"], vary_of(told)) == ("*", [])
    assert "allow-credentials" not in cors_of(told)
    assert (cors_of(kept)["allow-origin"], cors_of(kept)["allow-credentials"]) == (SHOP, "true")


@pytest.mark.proves("IN-15", "RM-3")
def test_a_preflight_for_what_is_not_served_says_what_is() -> None:
    site = site_of()

    post, nowhere, odd, twice = asked(
        site,
        ("OPTIONS", "/things/a", preflight(method="POST")),
        ("OPTIONS", "/nowhere", preflight()),
        ("OPTIONS", "/things/../a", preflight()),
        ("OPTIONS", "/things/a", [("origin", OTHER), *preflight()]),
    )

    assert cors_of(post)["allow-methods"] == "OPTIONS, PUT"
    assert (nowhere.status, nowhere.code) == (404, "route-not-found")
    assert cors_of(nowhere)["allow-origin"] == SHOP
    assert (odd.code, twice.code) == ("bad-path", "header-repeated")


@pytest.mark.proves("IN-15")
@pytest.mark.parametrize(
    ("origins", "credentials"),
    [(SHOP, False), (["*"], True), (["*", SHOP], False), (["shop.example"], False),
     (["https://shop.example/"], False), (["https://Shop.example"], False),
     (["https://shop.example:443"], False), (["http://shop.example:80"], False),
     (["https://*.example"], False), ([""], False), (["null"], False)],
)  # fmt: skip
def test_origins_that_cannot_be_are_refused(origins: Any, *, credentials: bool) -> None:
    with pytest.raises(PolicySyntaxError):
        App("shop", cors=origins, cors_credentials=credentials)


@pytest.mark.proves("IN-15")
@given(origin=st.text(st.characters(codec="latin-1"), max_size=30), credentials=st.booleans())
def test_only_an_origin_that_is_listed_is_ever_named(origin: str, *, credentials: bool) -> None:
    told = dict(Cors([SHOP], credentials=credentials).told([("origin", origin)]))

    assert (told.get(b"access-control-allow-origin") == SHOP.encode()) == (origin == SHOP)
    assert (b"access-control-allow-credentials" in told) == (origin == SHOP and credentials)
