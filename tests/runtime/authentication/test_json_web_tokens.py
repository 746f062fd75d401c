"""Which tokens are believed: AU-4 and AU-5, claim by claim."""

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from runtime.authentication import Credential, Jwt, Principal
from runtime.errors import AuthenticatorError, CredentialsInvalidError
from tests.faces.guarded import ISSUER, NOW_S, SECRET, token


def issuer(**more: Any) -> Jwt:
    settings: dict[str, Any] = {
        "issuer": ISSUER, "audiences": ["shop"], "keys": {"k": SECRET}, "algorithms": ["HS256"],
        **more,
    }  # fmt: skip
    return Jwt(**settings)


def believed(text: str, by: Jwt | None = None, at_s: float = NOW_S) -> Principal | str:
    """Return who is proven, or why nobody is."""
    credential = Credential("bearer", text, round(at_s * 1_000_000))
    try:
        return asyncio.run((by or issuer()).authenticate(credential))
    except CredentialsInvalidError as error:
        return error.reason


def segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(head: bytes, payload: bytes) -> str:
    """Sign raw bytes, which no encoder would write."""
    key = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    text = f"{segment(head)}.{segment(payload)}"
    return f"{text}.{segment(key.sign(text.encode(), SECRET))}"


HEAD = b'{"alg":"HS256","typ":"JWT","kid":"k"}'


@pytest.mark.proves("AU-4", "AU-5")
def test_a_good_token_names_its_principal() -> None:
    text = token(jti="t", tenant="acme", auth_time=NOW_S - 5, scope="a b", roles="one")

    assert believed(text) == Principal(
        "ann", "user", ISSUER, ("one",), ("a", "b"), "acme", "t", NOW_S - 5.0, NOW_S + 3_600.0
    )


@pytest.mark.proves("AU-4")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (token() + "=", "malformed"),
        (token()[:-1], "malformed"),
        (token().rpartition(".")[0] + ".", "signature"),
        ("a.b", "malformed"),
        ("", "malformed"),
        ("é.b.c", "malformed"),
        (token(pad="x" * 8_192), "too-long"),
        (token(secret=b"another secret of 32 bytes or more"), "signature"),
        (token(header={"crit": ["exp"], "exp": 1}), "crit-unknown"),
        (token(header={"typ": "id+jwt"}), "typ-unexpected"),
        (token(header={"typ": None}), "typ-unexpected"),
        (token(header={"kid": "other"}), "unknown-kid"),
        (token(header={"kid": "a/../b"}), "kid-malformed"),
        (token(header={"kid": "k" * 129}), "kid-malformed"),
        (f"{segment({'alg': 'none', 'typ': 'JWT', 'kid': 'k'})}.{segment({})}.", "alg-unexpected"),
        (f"{segment({'alg': 'HS512', 'typ': 'JWT', 'kid': 'k'})}.{segment({})}.", "alg-unexpected"),
        (f"{segment({'alg': ['HS256'], 'typ': 'JWT'})}.{segment({})}.", "alg-unexpected"),
        (signed(b'{"alg":"none","alg":"HS256","typ":"JWT"}', b"{}"), "claim-repeated"),
        (signed(HEAD, b'{"sub":"ann","sub":"eve"}'), "claim-repeated"),
        (signed(HEAD, b"[1]"), "malformed"),
        (signed(HEAD, b"\xff"), "malformed"),
        (signed(HEAD, b"[" * 5_000), "malformed"),
    ],
)
def test_what_is_not_exactly_a_token_of_ours_proves_nobody(text: str, reason: str) -> None:
    assert believed(text) == reason


@pytest.mark.proves("AU-5")
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": None}, "exp-missing"),
        ({"iat": None}, "iat-missing"),
        ({"exp": "1790003600"}, "exp-malformed"),
        ({"exp": True}, "exp-malformed"),
        ({"exp": float("inf")}, "exp-malformed"),
        ({"exp": float("nan")}, "exp-malformed"),
        ({"exp": 10**400}, "exp-malformed"),
        ({"nbf": []}, "nbf-malformed"),
        ({"exp": NOW_S - 30}, "expired"),
        ({"iat": NOW_S + 31}, "iat-ahead"),
        ({"nbf": NOW_S + 31}, "not-yet"),
        ({"iss": "https://id.example/"}, "iss-unexpected"),
        ({"iss": None}, "iss-unexpected"),
        ({"aud": "shop2"}, "aud-unexpected"),
        ({"aud": None}, "aud-malformed"),
        ({"aud": [1]}, "aud-malformed"),
        ({"sub": None}, "sub-missing"),
        ({"sub": ""}, "sub-missing"),
        ({"sub": 7}, "sub-malformed"),
        ({"sub": "a\nb"}, "sub-malformed"),
        ({"sub": "x" * 257}, "sub-malformed"),
        ({"roles": {"admin": 1}}, "roles-malformed"),
        ({"roles": ["a", 1]}, "roles-malformed"),
        ({"scope": ["a"]}, "scope-malformed"),
    ],
)
def test_claims_of_another_shape_prove_nobody(claims: Mapping[str, Any], reason: str) -> None:
    assert believed(token(**claims)) == reason


@pytest.mark.proves("AU-5")
@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW_S - 29}, {"iat": NOW_S + 30}, {"nbf": NOW_S + 30}, {"aud": ["other", "shop"]},
        {"roles": None, "scope": None},
    ],
)  # fmt: skip
def test_clocks_may_differ_by_thirty_seconds(claims: Mapping[str, Any]) -> None:
    assert isinstance(believed(token(**claims)), Principal)


@pytest.mark.proves("AU-5")
def test_a_token_may_be_too_old() -> None:
    by = issuer(max_age_s=60, leeway_s=0)

    assert isinstance(believed(token(), by, NOW_S + 59), Principal)
    assert believed(token(), by, NOW_S + 60) == "too-old"


@pytest.mark.proves("AU-4")
def test_what_a_token_says_of_its_own_key_is_ignored() -> None:
    other = b"a key that the token brings along"
    header = {"jku": "https://evil", "jwk": {"kty": "oct", "k": segment(other)}, "x5u": "x"}

    assert believed(token(secret=other, header=header)) == "signature"
    assert isinstance(believed(token(header=header)), Principal)


KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65_537, 2_048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def pem(alg: str) -> str:
    return str(
        KEYS[alg]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.mark.proves("AU-4")
@pytest.mark.parametrize("alg", list(KEYS))
def test_public_keys_verify_and_never_serve_as_secrets(alg: str) -> None:
    claims = {"iss": ISSUER, "aud": "shop", "sub": "ann", "iat": NOW_S, "exp": NOW_S + 60}
    by = issuer(keys={"p": pem(alg), "k": SECRET}, algorithms=[alg, "HS256"])
    good = jwt.encode(claims, KEYS[alg], algorithm=alg, headers={"kid": "p"})
    as_secret = jwt.encode(claims, SECRET, algorithm="HS256", headers={"kid": "p"})

    assert isinstance(believed(good, by), Principal)
    assert believed(as_secret, by) == "alg-unexpected"


@pytest.mark.proves("AU-4")
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"algorithms": ["none"]}, "'none' cannot be used"),
        ({"algorithms": []}, "no algorithms"),
        ({"algorithms": ["ES256"]}, "none of ES256"),
        ({"keys": {"k": b"short"}}, "32 bytes"),
        ({"keys": {"k": pem("RS256").encode()}}, "PEM given as bytes"),
        ({"keys": {"k": pem("RS256")}, "algorithms": ["RS256", "PS256"]}, "two families"),
        ({"keys": {"k": "no pem"}}, "cannot be read"),
        ({"keys": {"k": 7}}, "cannot be read"),
        ({"keys": {}}, "no keys"),
        ({"audiences": []}, "audiences"),
        ({"leeway_s": 61}, "leeway_s"),
        ({"max_age_s": 0}, "max_age_s"),
        ({"kind": "anonymous"}, "kind"),
    ],
)
def test_config_that_would_not_hold_is_refused_at_once(
    settings: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(AuthenticatorError, match=said):
        issuer(**settings)


@pytest.mark.proves("AU-4")
@given(
    text=st.text(max_size=40)
    | st.lists(st.text("AZaz09-_", max_size=9), min_size=3, max_size=3).map(".".join)
)
def test_no_text_does_more_than_prove_nobody(text: str) -> None:
    by = issuer()

    assert by.claims(Credential("bearer", text)) is False
    assert isinstance(believed(text, by), str)
