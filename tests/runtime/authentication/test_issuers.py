"""Issuers that are asked over HTTPS: their key sets (AU-6) and what they say of tokens (AU-7)."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from runtime.authentication import Credential, Jwt, KeySet, OpaqueTokens, Principal
from runtime.errors import AuthenticatorError, AuthUnavailableError, CredentialsInvalidError
from tests.faces.guarded import ISSUER, NOW_S

DAY_S = 86_400
KEYS = {kid: ec.generate_private_key(ec.SECP256R1()) for kid in ("old", "new")}
JWKS = {
    kid: {
        **json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())),
        "kid": kid,
        "use": "sig",
    }
    for kid, key in KEYS.items()
}


class Issuer:
    """A server on the other side of httpx, which counts what it is asked."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer = answer
        self.asked: list[httpx.Request] = []

    @property
    def transport(self) -> httpx.MockTransport:
        async def respond(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            await asyncio.sleep(0)
            return self.answer(request)

        return httpx.MockTransport(respond)


def published(*kids: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(200, json={"keys": [JWKS[kid] for kid in kids]}, headers=headers or {})


def token(kid: str, at_s: int = NOW_S) -> str:
    claims = {"iss": ISSUER, "aud": "shop", "sub": "ann", "iat": at_s, "exp": at_s + 60}
    return jwt.encode(claims, KEYS[kid], algorithm="ES256", headers={"kid": kid})


def by_key_set(issuer: Issuer) -> Jwt:
    keys = KeySet("https://id.example/keys", transport=issuer.transport)
    return Jwt(issuer=ISSUER, audiences=["shop"], keys=keys, algorithms=["ES256"])


async def said(by: Any, text: str, at_s: float = NOW_S) -> str:
    credential = Credential("bearer", text, round(at_s * 1_000_000))
    try:
        found = await by.authenticate(credential)
    except (CredentialsInvalidError, AuthUnavailableError) as error:
        return getattr(error, "reason", "unavailable")
    assert isinstance(found, Principal)
    return found.id


@pytest.mark.proves("AU-6")
def test_a_key_set_is_fetched_once_for_all_who_wait_and_then_kept() -> None:
    issuer = Issuer(lambda _: published("old"))
    by = by_key_set(issuer)

    async def scenario() -> None:
        both = await asyncio.gather(*(said(by, token("old")) for _ in range(5)))
        assert both == ["ann"] * 5
        for after_s, fetches in ((599, 1), (600, 2), (1_199, 2)):
            assert await said(by, token("old", NOW_S + after_s), NOW_S + after_s) == "ann"
            assert len(issuer.asked) == fetches

    asyncio.run(scenario())


@pytest.mark.proves("AU-6")
def test_an_unknown_key_asks_for_a_new_set_once_a_minute() -> None:
    kids = ["old"]
    issuer = Issuer(lambda _: published(*kids))
    by = by_key_set(issuer)

    async def scenario() -> None:
        assert await said(by, token("new")) == "unknown-kid"
        assert await said(by, token("new"), NOW_S + 59) == "unknown-kid"
        assert len(issuer.asked) == 1
        kids.append("new")
        assert await said(by, token("new"), NOW_S + 60) == "ann"
        assert len(issuer.asked) == 2

    asyncio.run(scenario())


@pytest.mark.proves("AU-6")
@pytest.mark.parametrize(
    "broken",
    [
        httpx.Response(500),
        httpx.Response(302, headers={"location": "https://evil.example"}),
        httpx.Response(200, content=b"x" * 300_000),
        httpx.Response(200, content=b"[]"),
    ],
)
def test_the_last_good_set_serves_for_a_day_of_failures(broken: httpx.Response) -> None:
    answers = [published("old")]
    issuer = Issuer(lambda _: answers[0])
    by = by_key_set(issuer)

    async def scenario() -> list[str]:
        first = await said(by, token("old"))
        answers[0] = broken
        late = [600, DAY_S - 1, DAY_S]
        return [first, *[await said(by, token("old", NOW_S + s), NOW_S + s) for s in late]]

    assert asyncio.run(scenario()) == ["ann", "ann", "ann", "unavailable"]
    assert {str(each.url) for each in issuer.asked} == {"https://id.example/keys"}


@pytest.mark.proves("AU-6")
@pytest.mark.parametrize(
    ("header", "fresh_s"),
    [("max-age=120", 120), ("public, max-age=1", 60), ("max-age=999999", DAY_S), ("no-store", 600)],
)
def test_the_issuer_says_how_long_its_keys_are_kept(header: str, fresh_s: int) -> None:
    issuer = Issuer(lambda _: published("old", headers={"cache-control": header}))
    by = by_key_set(issuer)

    async def scenario() -> list[int]:
        counts = []
        for after_s in (0, fresh_s - 1, fresh_s):
            await said(by, token("old", NOW_S + after_s), NOW_S + after_s)
            counts.append(len(issuer.asked))
        return counts

    assert asyncio.run(scenario()) == [1, 1, 2]


@pytest.mark.proves("AU-6", "AU-7")
def test_issuers_are_asked_over_https_only() -> None:
    for url in ("http://id.example/keys", "https://", "https://ann:pw@id.example", "file:///k"):
        with pytest.raises(AuthenticatorError, match="https"):
            KeySet(url)
    with pytest.raises(AuthenticatorError, match="'none'"):
        Jwt(issuer="x", audiences=["y"], keys=KeySet("https://k"), algorithms=["none"])


GOOD: dict[str, Any] = {"active": True, "iss": ISSUER, "aud": ["shop"], "sub": "ann", "scope": "a"}


def opaque(issuer: Issuer) -> OpaqueTokens:
    return OpaqueTokens(
        "https://id.example/ask",
        client=("shop", "pw"),
        issuer=ISSUER,
        audiences=["shop"],
        transport=issuer.transport,
    )


@pytest.mark.proves("AU-7")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "ann"),
        ({"active": "true"}, "inactive"),
        ({"active": False}, "inactive"),
        ({"iss": "other"}, "inactive"),
        ({"aud": "other"}, "inactive"),
        ({"sub": ""}, "inactive"),
        ({"exp": NOW_S}, "inactive"),
        ({"exp": NOW_S + 1}, "ann"),
    ],
)
def test_a_token_is_what_its_issuer_says(change: dict[str, Any], expected: str) -> None:
    issuer = Issuer(lambda _: httpx.Response(200, json={**GOOD, **change}))

    assert asyncio.run(said(opaque(issuer), "an opaque token")) == expected
    (asked,) = issuer.asked
    assert asked.headers["authorization"].startswith("Basic ")
    assert asked.content == b"token=an+opaque+token&token_type_hint=access_token"


@pytest.mark.proves("AU-7")
@pytest.mark.parametrize(
    ("change", "kept_s"), [({}, 60), ({"exp": NOW_S + 10}, 10), ({"active": False}, 5)]
)
def test_what_the_issuer_said_is_kept_for_a_while(change: dict[str, Any], kept_s: int) -> None:
    issuer = Issuer(lambda _: httpx.Response(200, json={**GOOD, **change}))
    by = opaque(issuer)

    async def scenario() -> list[int]:
        counts = []
        for after_s in (0, kept_s - 1, kept_s):
            await said(by, "t", NOW_S + after_s)
            counts.append(len(issuer.asked))
        return counts

    assert asyncio.run(scenario()) == [1, 1, 2]


@pytest.mark.proves("AU-7", "AU-1")
def test_an_issuer_that_cannot_be_asked_proves_nobody_and_refuses_nobody() -> None:
    issuer = Issuer(lambda _: httpx.Response(503))

    assert asyncio.run(said(opaque(issuer), "t")) == "unavailable"
    assert opaque(issuer).claims(Credential("bearer", "t"))
    assert not opaque(issuer).claims(Credential("bearer", "a.b.c"))
