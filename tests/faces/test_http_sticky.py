"""Who stays with which version while traffic is split: principals, addresses, cookies (DP-6)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import App
from runtime.authentication import ApiKey, ApiKeys, key_digest
from runtime.errors import PolicySyntaxError, SecretsConfigError
from runtime.ingress.sticking import COOKIE, Cookies, subject
from runtime.principals import ANONYMOUS, Principal
from runtime.testing import Harness, Result, SeededIds
from runtime.timescape.splits import bucket_of

KEY = "k" * 32


def split_app(**more: Any) -> App:
    app = App("split", **more)

    @app.handler("GET /hello", version="2026-03-01")
    async def one() -> str:
        return "one"

    @app.handler("GET /hello", version="2026-10-01")
    async def two() -> str:
        return "two"

    return app


def halved(app: App) -> str:
    """Split the traffic in halves; return the salt."""
    one, two = (str(v.id) for v in app.versions.table.handlers["get-hello"].line)
    app.versions.split("get-hello", {one: 5_000, two: 5_000})
    split = app.versions.table.handlers["get-hello"].split
    assert split is not None
    return split.salt


def bucket(result: Result) -> int | None:
    (fact,) = [e.data for e in result.facts if e.type == "version.resolved"]
    found: int | None = fact.bucket
    return found


def cookie_of(result: Result) -> str:
    return result.headers["set-cookie"].partition(";")[0]


@pytest.mark.proves("DP-6", "TR-5")
def test_a_principal_stays_where_it_is_whatever_its_credential_and_address() -> None:
    keys = [ApiKey(f"k{n}", key_digest(f"shop_k{n}_secret"), principal="ann") for n in (1, 2)]
    app = split_app(auth=[ApiKeys("shop", keys)])
    with Harness(app) as shop:
        salt = halved(app)

        said = [shop.get("/hello", headers={"x-api-key": f"shop_k{n}_secret"}) for n in (1, 2)]
        nobody = shop.get("/hello")

    assert [bucket(each) for each in said] == [bucket_of(salt, "ann")] * 2
    assert bucket(nobody) != bucket_of(salt, "ann")
    assert "set-cookie" not in nobody.headers


@pytest.mark.proves("DP-6", "TR-9")
def test_a_cookie_keeps_its_caller_and_is_given_only_where_a_split_decides() -> None:
    app = split_app(sticky="cookie")
    with Harness(app, secrets={"sticky-cookie": KEY}) as shop:
        before = shop.get("/hello")
        halved(app)
        first = shop.get("/hello")
        cookie = cookie_of(first)
        again = [shop.get("/hello", headers={"cookie": f"a=b; {cookie}; c"}) for _ in range(2)]
        others = {bucket(shop.get("/hello")) for _ in range(8)}
        named = shop.get("/hello?v=latest")

    assert "set-cookie" not in {**before.headers, **named.headers}
    assert first.headers["cache-control"] == "private"
    attributes = first.headers["set-cookie"].split("; ")[1:]
    assert attributes == ["Path=/", "Max-Age=31536000", "HttpOnly", "SameSite=Lax"]
    assert {bucket(each) for each in again} == {bucket(first)}
    assert {each.json for each in again} == {first.json}
    assert all("set-cookie" not in each.headers for each in again)
    assert len(others) > 1
    (caller,) = {cookie.partition("=")[2].partition(".")[0]}
    assert all(caller not in str(event.data) for each in (first, *again) for event in each.facts)


@pytest.mark.proves("DP-6")
def test_a_cookie_that_was_made_up_is_no_cookie_and_one_by_tls_goes_by_nothing_else() -> None:
    settings: dict[str, Any] = {"sticky": "cookie", "trusted_proxies": ["0.0.0.0/0"]}
    app = split_app(**settings)
    with Harness(app, secrets={"sticky-cookie": KEY}) as shop:
        halved(app)
        made_up = shop.get("/hello", headers={"cookie": f"{COOKIE}=me.0123"})
        by_tls = shop.get("/hello", headers={"x-forwarded-proto": "https"})

    assert made_up.status == 200
    assert cookie_of(made_up) != f"{COOKIE}=me.0123"
    assert by_tls.headers["set-cookie"].endswith("; SameSite=Lax; Secure")


@pytest.mark.proves("DP-6")
@pytest.mark.parametrize("secrets", [{}, {"sticky-cookie": "short"}])
def test_cookies_want_a_key_that_nobody_guesses(secrets: dict[str, str]) -> None:
    with (
        pytest.raises(SecretsConfigError, match="32 bytes"),
        Harness(split_app(sticky="cookie"), secrets=secrets),
    ):
        pass
    with pytest.raises(PolicySyntaxError, match="sticky"):
        split_app(sticky="session")


COOKIES = Cookies(KEY.encode(), SeededIds(3))
KNOWN, (GIVEN,) = COOKIES.new(secure=False)
VALUE = GIVEN[1].decode().partition(";")[0].partition("=")[2]
headers = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=80)


@pytest.mark.proves("DP-6")
@given(
    others=st.lists(headers, max_size=3),
    at=st.integers(0, len(VALUE) - 1),
    other=st.characters(max_codepoint=255, exclude_characters=";"),
)
def test_a_caller_is_found_among_all_cookies_and_one_altered_letter_loses_it(
    others: list[str], at: int, other: str
) -> None:
    """Seen to fail where only the caller, not the proof, was looked at."""
    said = [("cookie", each) for each in others]
    whole = [*said, ("cookie", f"x=y;{COOKIE}={VALUE}")]
    altered = VALUE[:at] + other + VALUE[at + 1 :]

    assert COOKIES.caller(said) is None
    assert COOKIES.caller(whole) == KNOWN
    assert Cookies(b"another key", SeededIds(3)).caller(whole) is None
    assert subject(ANONYMOUS, "192.0.2.7", whole, COOKIES, secure=True) == (KNOWN, ())
    assert subject(Principal("ann"), "192.0.2.7", whole, COOKIES, secure=True) == ("ann", ())
    if altered.strip(" \t") != VALUE:
        assert COOKIES.caller([("cookie", f"{COOKIE}={altered}")]) is None
