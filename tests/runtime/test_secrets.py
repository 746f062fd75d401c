"""Secrets: what a handler gets of them, and what the log gets (EF-4)."""

import copy
import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import EventStoreError
from runtime import GlobalContext, LocalContext, Secret
from runtime.errors import (
    ContextError,
    ContextKeyError,
    SecretLeakError,
    SecretUnavailableError,
)
from runtime.replay.following import Course
from runtime.replay.running import Program, rerun
from runtime.secrets import Environment, Found
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled, Told

CANARY = "hunter2-canary"
_encode = msgspec.json.Encoder().encode


class Vault:
    """A provider that counts how often it is asked."""

    def __init__(self, **secrets: Found) -> None:
        self.secrets = secrets
        self.asked: list[str] = []

    async def get(self, name: str) -> Found | None:
        self.asked.append(name)
        return self.secrets.get(name)


def sent(handle: Any, vault: Vault) -> Told:
    gctx = GlobalContext(secrets=vault)
    harness = Controlled(version_of(handle), gctx=gctx)
    told = run_virtual(harness.send())
    harness.controller.close()
    return told


names = st.sampled_from(["a", "b", "stock-token", "Stock.Token_2", "9"])


@pytest.mark.proves("EF-4", "EF-1", "GC-8")
@given(
    there=st.dictionaries(
        names, st.tuples(st.text(max_size=4), st.none() | st.text("v1", min_size=1))
    ),
    asked=st.lists(names, max_size=3),
)
def test_the_log_has_name_and_version_and_a_replay_asks_nobody(
    there: dict[str, tuple[str, str | None]], asked: list[str]
) -> None:
    wanted = [*asked, *there]
    vault = Vault(**{n: Found(CANARY + value, version) for n, (value, version) in there.items()})
    given_out: list[Any] = []

    async def handle(lctx: LocalContext, gctx: GlobalContext) -> int:
        for name in wanted:
            try:
                secret = await gctx.secrets.get(name)
            except SecretUnavailableError:
                given_out.append(None)
                continue
            with secret.reveal() as value:
                given_out.append((secret.name, secret.version, value))
        return len(wanted)

    told = sent(handle, vault)
    found = [None if n not in there else (n, there[n][1], CANARY + there[n][0]) for n in wanted]
    event(f"some are missing: {None in found}")
    event(f"some are there: {any(found)}")

    assert given_out == found
    assert vault.asked == list(dict.fromkeys(wanted))
    effects = [f for f in told.facts if f.type.startswith("effect.")]
    assert [f.key for f in effects] == [name for name in wanted for _ in range(2)]
    returned = [f.data.value for f in effects if f.type == "effect.returned"]
    kept = {name: {"version": there[name][1], "provider": "Vault"} for name in there}
    expected = [
        kept[name] | ({"cached": True} if name in wanted[:i] else {})
        for i, name in enumerate(wanted)
        if name in there
    ]
    assert returned == expected
    assert CANARY.encode() not in b"".join(_encode(f.data) for f in told.facts)
    replay = replayed(told, handle, vault, given_out)
    assert replay == [each and (each[0], each[1], "***") for each in found]


def replayed(told: Told, handle: Any, vault: Vault, given_out: list[Any]) -> list[Any]:
    given_out.clear()
    asked = len(vault.asked)
    program = Program(version_of(handle), GlobalContext(secrets=vault))
    run = rerun(program, Course(told.facts, until=len(told.facts)))
    assert run.divergence is None
    assert len(vault.asked) == asked
    return given_out


@pytest.mark.proves("EF-4")
def test_a_secret_shows_nothing_and_does_not_leave_its_handle() -> None:
    secret = Secret("token", "7", CANARY)

    assert [str(secret), f"{secret}", f"{secret:>5}"] == ["***", "***", "  ***"]
    assert repr(secret) == "<Secret token: ***>"
    assert repr(Found(CANARY, "7")) == "Found('7')"
    assert secret == Secret("other", None, CANARY)
    assert secret != Secret("token", "7", "else")
    assert secret != CANARY
    for leak in (hash, copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(SecretLeakError, match="token"):
            leak(secret)
    with pytest.raises(TypeError):
        _encode(secret)
    with secret.reveal() as value:
        assert value == CANARY


@pytest.mark.proves("EF-4")
def test_it_is_no_value_of_a_context_and_no_answer() -> None:
    async def handle(lctx: LocalContext, gctx: GlobalContext) -> Any:
        secret = await gctx.secrets.get("token")
        for value in (secret, [secret], {"k": secret}):
            with pytest.raises(SecretLeakError, match="'token' was about to be recorded"):
                lctx.set("k", value)
        with pytest.raises(SecretLeakError):
            lctx.publish("t", secret)
        return secret

    told = sent(handle, Vault(token=Found(CANARY, "7")))

    assert (told.answer.status, told.json["code"]) == (500, "response-invalid")
    assert CANARY not in str(told)


@pytest.mark.proves("EF-4", "GC-8")
def test_a_secret_that_nobody_has_answers_503_and_names_it_in_the_log_only() -> None:
    def handle(gctx: GlobalContext) -> Any:
        return gctx.secrets.get("stock-token")

    told = sent(handle, Vault())

    assert (told.answer.status, told.json["code"]) == (503, "secret-unavailable")
    assert dict(told.answer.headers)["retry-after"] == "5"
    assert "stock-token" not in told.answer.body.decode()
    failed = next(fact for fact in told.facts if fact.type == "effect.failed")
    assert (failed.key, failed.data.failure.code) == ("stock-token", "RT408")


@pytest.mark.proves("EF-4")
def test_the_environment_is_asked_under_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_STOCK_TOKEN_V2", CANARY)
    monkeypatch.setenv("SHOP_EMPTY", "")
    monkeypatch.setenv("STOCK", "no secret")
    environment = Environment("SHOP_")

    async def found() -> list[Found | None]:
        return [await environment.get(name) for name in ("stock.token-v2", "empty", "stock")]

    assert run_virtual(found()) == [Found(CANARY), Found(""), None]


@pytest.mark.proves("EF-4", "GC-1")
def test_names_and_callers_are_checked() -> None:
    gctx = GlobalContext()
    for name in ("", "-a", "a b", "x" * 129, "ä", 7):
        with pytest.raises(ContextKeyError):
            gctx.secrets.get(name)  # type: ignore[arg-type]
    with pytest.raises(ContextError, match="outside of a request"):
        gctx.secrets.get("a")
    with pytest.raises(EventStoreError, match="provider"):
        gctx.secrets.provider = Vault()
