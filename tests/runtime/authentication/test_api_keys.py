"""API keys: only digests are known, and nothing but the key itself matches (AU-8)."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.authentication import ApiKey, ApiKeys, Credential, Principal, key_digest
from runtime.errors import AuthenticatorError, CredentialsInvalidError, PrincipalError

GOOD = "shop_k1_s3cret_with_more"
TILL = Principal("till", "key", roles=("seller",), credential="k1", expires=100.0)
KEYS = ApiKeys(
    "shop",
    [
        ApiKey("k1", key_digest(GOOD), principal="till", roles=("seller",), expires=100.0),
        ApiKey("k2", key_digest("shop_k2_x"), revoked=True),
    ],
)


def believed(text: str, at_us: int = 0) -> Principal | str:
    try:
        return asyncio.run(KEYS.authenticate(Credential("apikey", text, at_us)))
    except CredentialsInvalidError as error:
        return error.reason


@pytest.mark.proves("AU-8")
@pytest.mark.parametrize(
    ("text", "at_us", "said"),
    [
        (GOOD, 99_999_999, TILL),
        (GOOD, 100_000_000, "expired"),
        ("shop_k2_x", 0, "revoked"),
        ("shop_k2_y", 0, "unknown-key"),
        ("shop_k3_x", 0, "unknown-key"),
        ("shop__", 0, "unknown-key"),
        ("shop_" + "x" * 1_024, 0, "too-long"),
    ],
)  # fmt: skip
def test_a_key_is_looked_up_by_its_id(text: str, at_us: int, said: Any) -> None:
    assert believed(text, at_us) == said


@pytest.mark.proves("AU-8")
@given(
    text=st.text(max_size=30).map("shop_".__add__)
    | st.integers(0, len(GOOD) - 1).map(lambda at: GOOD[:at] + "~" + GOOD[at + 1 :])
    | st.binary(max_size=20).map(lambda raw: "shop_k1_" + raw.decode("latin-1"))
)
def test_any_other_text_proves_nobody(text: str) -> None:
    assert believed(text) == ("unknown-key" if text != GOOD else believed(GOOD))


@pytest.mark.proves("AU-8")
@pytest.mark.parametrize(
    ("prefix", "keys", "said"),
    [
        ("a_b", [], "no prefix"),
        ("shop", [ApiKey("a_b", key_digest("x"))], "'a_b' is no id"),
        ("shop", [ApiKey("a", "shop_a_secret")], "no digest"),
        ("shop", [ApiKey("a", key_digest("x")), ApiKey("a", key_digest("y"))], "twice"),
    ],
)
def test_keys_that_cannot_be_are_refused_at_once(
    prefix: str, keys: list[ApiKey], said: str
) -> None:
    with pytest.raises(AuthenticatorError, match=said) as refused:
        ApiKeys(prefix, keys)
    assert "shop_a_secret" not in str(refused.value)


@pytest.mark.proves("AU-3")
def test_a_credential_shows_nothing_of_itself_and_a_principal_does_not_change() -> None:
    assert "canary" not in repr(Credential("bearer", "canary"))
    with pytest.raises(AttributeError):
        Principal("ann").id = "eve"  # type: ignore[misc]
    for bad in ("", "a\x00", "é" * 129):
        with pytest.raises(PrincipalError):
            Principal(bad)
