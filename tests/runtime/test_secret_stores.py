"""Secrets out of a keyring, Vault and AWS: each asked through its own client library (SE-1)."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import SecretsConfigError, SecretUnavailableError
from runtime.secrets import Environment, Found, Keyring, Provider, SecretsManager, Vault
from runtime.secrets.provider import ask
from runtime.testing import run_virtual
from tests import secret_stores
from tests.secret_stores import TOKEN, Kept

NAMES = ("stock-token", "Stock.Token_2", "9")
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
names = st.sampled_from(NAMES)
histories = st.dictionaries(names, st.lists(text | st.none(), min_size=1, max_size=3))


@pytest.fixture(scope="module")
def vault() -> Iterator[tuple[Vault, Kept]]:
    with secret_stores.vault() as (url, kept):
        yield Vault(url, prefix="shop/", token=TOKEN), kept


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SecretsManager, Kept]]:
    with pytest.MonkeyPatch.context() as environment, secret_stores.aws() as (url, kept):
        nothing = str(tmp_path_factory.mktemp("aws") / "none")
        for name, value in {
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
            "AWS_CONFIG_FILE": nothing, "AWS_SHARED_CREDENTIALS_FILE": nothing,
        }.items():  # fmt: skip
            environment.setenv(name, value)
        yield SecretsManager(prefix="shop/", region="eu-central-1", endpoint=url), kept


def backend() -> Any:
    """Return a keyring of the library's own kind that keeps its secrets in memory."""
    from keyring.backend import KeyringBackend  # noqa: PLC0415 - an extra

    class InMemory(KeyringBackend):
        priority = 1.0

        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.kept: dict[tuple[str, str], str] = {}

        def get_password(self, service: str, username: str) -> str | None:
            return self.kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            self.kept[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del self.kept[service, username]

    return InMemory()


def read(provider: Provider, name: str) -> Found | None:
    async def scenario() -> Found | None:
        return await provider.get(name)

    return asyncio.run(scenario())


def newest(history: list[str | None], version: str) -> Found | None:
    value = history[-1]
    return None if value is None else Found(value, version.format(len(history)))


@pytest.mark.proves("SE-1", "SE-9")
@given(histories=histories, name=names)
def test_what_vault_has_is_read_with_its_version(
    vault: tuple[Vault, Kept], histories: dict[str, list[str | None]], name: str
) -> None:
    provider, kept = vault
    kept.secrets = {f"shop/{each}": list(history) for each, history in histories.items()}
    found = read(provider, name)

    seen("there" if found else "deleted" if name in histories else "unknown")
    assert found == newest(histories.get(name, [None]), "{}")


@pytest.mark.proves("SE-1", "SE-9")
@given(histories=histories, name=names)
def test_what_aws_has_is_read_with_its_version(
    aws: tuple[SecretsManager, Kept], histories: dict[str, list[str | None]], name: str
) -> None:
    provider, kept = aws
    kept.secrets = {f"shop/{each}": list(history) for each, history in histories.items()}

    assert read(provider, name) == newest(histories.get(name, [None]), "{:032}")


_IN_MEMORY = backend()
_KEYRING = Keyring("shop", prefix="live-", backend=_IN_MEMORY)


@pytest.mark.proves("SE-1")
@given(there=st.dictionaries(names, text), name=names)
def test_what_the_keyring_has_is_read(there: dict[str, str], name: str) -> None:
    _IN_MEMORY.kept = {}
    for each, value in there.items():
        _IN_MEMORY.set_password("shop", f"live-{each}", value)

    assert read(_KEYRING, name) == (Found(there[name]) if name in there else None)


@pytest.mark.proves("SE-1")
def test_the_keyring_is_the_one_that_the_library_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring  # noqa: PLC0415 - an extra

    chosen = backend()
    chosen.set_password("timescape", "stock-token", "hunter2-hunter2")
    before = keyring.get_keyring()
    keyring.set_keyring(chosen)
    try:
        assert read(Keyring(), "stock-token") == Found("hunter2-hunter2")
    finally:
        keyring.set_keyring(before)


@pytest.mark.proves("SE-1")
def test_a_store_that_lets_nobody_in_is_passed_by_and_noted(
    aws: tuple[SecretsManager, Kept], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv("SECRET_STOCK_TOKEN", "from-the-environment")
    provider, kept_by_aws = aws
    with secret_stores.vault() as (url, kept):
        kept.sealed = kept_by_aws.sealed = True
        chain: list[Provider] = [Vault(url, token=TOKEN), provider, Environment()]
        fetched = asyncio.run(ask(chain, "stock-token"))
        kept.sealed = kept_by_aws.sealed = False
        with pytest.raises(SecretUnavailableError, match="'9'"):
            asyncio.run(ask([Vault(url, token=TOKEN[:-1]), Environment()], "9"))

    assert fetched is not None
    assert (fetched.provider, fetched.found.value) == ("env", "from-the-environment")
    noted = [each.getMessage() for each in caplog.records if each.name == "timescape"]
    assert [each.split("provider=")[1] for each in noted] == [
        "vault error=VaultDown", "aws error=ClientError", "vault error=Forbidden"
    ]  # fmt: skip


@pytest.mark.proves("SE-1")
def test_a_token_that_an_agent_keeps_fresh_is_read_at_each_call(
    tmp_path: Path,
) -> None:
    file = tmp_path / "token"
    file.write_text("hvs.too-old")
    with secret_stores.vault() as (url, kept):
        kept.secrets = {"stock-token": ["hunter2-hunter2"]}
        provider = Vault(url, token_file=file)
        with pytest.raises(Exception, match="permission denied"):
            read(provider, "stock-token")
        file.write_text(f"{TOKEN}\n")
        assert read(provider, "stock-token") == Found("hunter2-hunter2", "1")
    assert TOKEN not in repr(provider)


@pytest.mark.proves("SE-1")
def test_aws_is_asked_by_a_signed_request(aws: tuple[SecretsManager, Kept]) -> None:
    provider, kept = aws
    kept.secrets, kept.heard = {"shop/9": ["nine-nine"]}, []
    read(provider, "9")

    (headers,) = kept.heard
    signed = headers["Authorization"]
    assert signed.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-central-1/secretsmanager/aws4_request" in signed


@pytest.mark.proves("SE-1")
def test_a_keyring_that_waits_for_somebody_is_given_up_after_5_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_STOCK_TOKEN", "from-the-environment")
    locked, unlocked = backend(), threading.Event()
    locked.get_password = lambda *_: unlocked.wait(30)
    keyring = Keyring(backend=locked)

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        # More than it has threads: those that stand in line are given up as well.
        fetched = await asyncio.gather(
            *(ask([keyring, Environment()], "stock-token") for _ in range(6))
        )
        assert loop.time() - began_s == 5.0
        assert {each.provider for each in fetched if each is not None} == {"env"}

    try:
        run_virtual(scenario())
    finally:
        unlocked.set()


@pytest.mark.proves("SE-1")
@pytest.mark.parametrize(
    ("module", "extra", "make"),
    [("keyring", "keyring", Keyring), ("hvac", "vault", Vault), ("boto3", "aws", SecretsManager)],
)
def test_what_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, module: str, extra: str, make: Any
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # as Python has it for what cannot be imported
    with pytest.raises(SecretsConfigError, match=module) as told:
        make()
    assert f"timescape[{extra}]" in str(told.value.remedy)


@pytest.mark.proves("SE-1")
def test_vault_is_given_one_token(tmp_path: Path) -> None:
    with pytest.raises(SecretsConfigError):
        Vault("http://127.0.0.1:1", token=TOKEN, token_file=tmp_path)
