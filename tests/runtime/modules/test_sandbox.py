"""A module in a sandbox: what it cannot do is tested by trying, and what it was promised works."""

import asyncio
import socket
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventstore.memory import MemoryStore
from runtime import App, Module, grant
from runtime.errors import CapabilityDeniedError, IsolationUnavailableError, ModuleManifestError
from runtime.isolation import Hosting, landlock, module_stream, sandbox, seccomp
from tests.faces.asgi import memory_store
from tests.runtime.modules.fenced import fenced, strict

_LACKING = sandbox.lacking()
needs_a_sandbox = pytest.mark.skipif(
    bool(_LACKING), reason=f"no sandbox on this machine: {'; '.join(_LACKING)}"
)


class Shop:
    """An app with a module in a sandbox."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.store: MemoryStore = memory_store()
        self.app = App("shop")
        self.app.module(fenced)
        self.app.start(self.store)
        self.run(self.app.begin())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def call(self, name: str, *args: Any) -> Any:
        method = self.app._modules.methods("fenced")[name]
        return self.run(self.app._hosting.hosts["fenced"].call(method, args, {}))

    def told(self, kind: str) -> list[Any]:
        return [e.data for e in self.store.read(module_stream("shop")) if e.type == kind]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.run(made.app.stop())
    made.runner.close()


@needs_a_sandbox
@pytest.mark.proves("IS-1", "IS-2")
def test_no_file_is_opened_changed_or_made_outside_of_its_folder(
    shop: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("kept", "utf-8")
    mode = file.stat().st_mode
    tried = shop.call("files", str(file))

    assert set(tried.values()) == {"refused"}, tried
    assert file.read_text("utf-8") == "kept"
    assert file.stat().st_mode == mode
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


@needs_a_sandbox
@pytest.mark.proves("IS-2")
def test_what_is_installed_may_be_read_and_what_lies_beside_its_file_may_not(shop: Shop) -> None:
    assert shop.call("look", str(Path(__file__).parents[3] / "pyproject.toml")) == "refused"
    assert shop.call("look", "/etc/passwd") == "refused"
    assert shop.call("look", asyncio.__file__) == "done"
    assert shop.call("look", __file__) == "done"


@needs_a_sandbox
@pytest.mark.proves("IS-2")
def test_no_socket_of_any_family_is_opened(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        tried = shop.call("sockets", server.getsockname()[1])

    assert set(tried.values()) == {"refused"}, tried


@needs_a_sandbox
@pytest.mark.proves("IS-2")
def test_no_program_is_started_and_no_other_process_reached(shop: Shop) -> None:
    tried = shop.call("others")

    assert set(tried.values()) == {"refused"}, tried


@needs_a_sandbox
@pytest.mark.proves("IS-1", "CP-3", "CP-4")
def test_its_folder_its_imports_and_what_it_is_granted_work(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("é", "utf-8")
    assert set(shop.call("own").values()) == {"done"}
    with pytest.raises(CapabilityDeniedError):
        shop.call("read", str(tmp_path / "a.txt"))
    shop.app.grants.grant("fenced", grant("fs.read", str(tmp_path)))

    assert shop.call("read", str(tmp_path / "a.txt")) == "é"

    async def served() -> Any:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.read(100)).upper())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        shop.app.grants.grant("fenced", grant("net.connect", place))
        method = shop.app._modules.methods("fenced")["talk"]
        async with server:
            return await shop.app._hosting.hosts["fenced"].call(method, (place,), {})

    assert shop.run(served()) == b"HELLO"


@needs_a_sandbox
@pytest.mark.proves("IS-1", "MM-1")
def test_the_log_says_what_is_enforced(shop: Shop) -> None:
    [started] = shop.told("module.started")

    assert "RLIMIT_CORE=0" in started.enforced
    assert "no_new_privs" in started.enforced
    assert any(each.startswith("landlock=") and ":files" in each for each in started.enforced)
    assert any(each.startswith("seccomp=sockets,exec,ptrace") for each in started.enforced)
    assert not any(each.startswith("fallback") for each in started.enforced)


# --- where there is none ---

MISSING = ["this kernel has no Landlock in force", "libseccomp.so.2 is not installed"]


@pytest.mark.proves("IS-1")
def test_without_one_it_is_refused_with_all_that_is_missing_and_nothing_is_registered() -> None:
    app = App("shop")
    app._hosting = Hosting(lambda: MISSING)
    with pytest.raises(IsolationUnavailableError, match=r"no Landlock.*libseccomp") as caught:
        app.module(strict)

    assert "isolation_fallback" in caught.value.remedy
    assert app._modules.names() == ()


@pytest.mark.proves("IS-1")
def test_what_stands_in_by_name_is_recorded_with_the_reason() -> None:
    store = memory_store()
    app = App("shop")
    app._hosting = Hosting(lambda: MISSING)
    app.module(fenced)

    async def scenario() -> None:
        app.start(store)
        await app.begin()
        await app.stop()

    asyncio.run(scenario())
    told = [e.data for e in store.read(module_stream("shop")) if e.type == "module.started"]

    assert told[0].enforced[:3] == ("fallback=subprocess", *MISSING)
    assert not any("landlock" in each for each in told[0].enforced)


@pytest.mark.proves("IS-1", "MM-1")
def test_nothing_else_stands_in_for_it() -> None:
    for made in (
        Module("m", isolation_fallback="subprocess"),
        Module("m", isolation="sandbox", isolation_fallback="inprocess"),  # type: ignore[arg-type]
    ):
        with pytest.raises(ModuleManifestError, match="isolation_fallback is for a sandbox"):
            App("shop").module(made)


@pytest.mark.proves("IS-2")
def test_every_refused_call_is_known_or_has_its_number() -> None:
    if seccomp.lacking() is not None:
        pytest.skip(f"no seccomp on this machine: {seccomp.lacking()}")
    library = seccomp._library()
    unknown = [
        rule.name
        for rule in seccomp.rules(1)
        if library.seccomp_syscall_resolve_name(rule.name.encode()) == -1
        and rule.name not in seccomp._LATER
    ]

    assert unknown == []


@pytest.mark.proves("IS-2")
def test_rights_grow_with_the_version_of_landlock_and_never_run_anything() -> None:
    counts = [landlock.rights(version).bit_count() for version in range(8)]

    assert counts == [0, 13, 14, 15, 15, 16, 16, 16]
    assert not landlock.writing(7) & (landlock.EXECUTE | landlock._DEVICES)
    assert Path(landlock.__file__).read_text("utf-8").count("\n") < 150
