"""`timescape dap` driven over real pipes, as an editor does (BY-1)."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from debugger.cli import Exit
from debugger.dap import Launch
from debugger.dap.framing import framed
from tests.debugger.stores import Ticks, sqlite_store
from tests.faces.command_line import run
from tests.faces.dap import RefusedError, editor
from tests.faces.rerun import APP, order

ROOT = Path(__file__).parents[2]
CODE = ROOT / "tests" / "runtime" / "replay" / "shop.py"


def line_of(text: str) -> int:
    """Give the first line of the recorded app that holds *text*."""
    return next(n for n, line in enumerate(CODE.read_text().splitlines(), 1) if text in line)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with sqlite_store(tmp_path / "shop.db", Ticks()) as store:
        order(store)
    return tmp_path / "shop.db"


@pytest.mark.proves("BY-1", "WI-1", "LN-2")
def test_an_editor_walks_lines_both_ways_and_tries_what_could_have_been(path: Path) -> None:
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    charge = line_of("modules.pricing.charge(req")
    with editor("--store", f"sqlite:///{path}", cwd=path.parent) as one:
        one.open(app=APP, cwd=str(ROOT))
        assert one.event("capabilities")["capabilities"] == {"supportsSetVariable": True}
        points = [{"line": line_of('"total", (net')}, {"line": charge}]
        told = one.ask("setBreakpoints", source={"path": str(CODE)}, breakpoints=points)
        assert [each["verified"] for each in told["breakpoints"]] == [True, True]
        one.ask("setExceptionBreakpoints", filters=["failures"])
        one.ask("configurationDone")
        assert one.event("breakpoint")["breakpoint"]["verified"]
        assert one.event("stopped")["reason"] == "breakpoint"

        places = [one.frames()[0]["line"]]
        for command in ("next", "stepIn", "next"):
            one.step(command)
            places.append(one.frames()[0]["line"])
        for back in places[-2::-1]:
            one.step("stepBack")
            assert one.frames()[0]["line"] == back
        assert one.step("continue")["reason"] == "breakpoint"
        assert one.frames()[0]["line"] == charge
        assert one.step("reverseContinue")["reason"] == "breakpoint"
        scopes = one.scopes()
        assert one.variables(scopes["Locals"])["net"]["value"] == "300"
        state = one.variables(scopes["State"])
        assert state["net"]["value"] == "300"
        assert "total" not in state, "the line that sets it has not run"

        one.ask("setVariable", variablesReference=scopes["State"], name="net", value="10")
        assert one.event("stopped")["threadId"] == 2
        assert one.variables(one.scopes(2)["State"])["net"]["value"] == "10"
        assert one.variables(one.scopes()["State"])["net"]["value"] == "300"
        with pytest.raises(RefusedError, match="not a path"):
            one.ask("evaluate", expression="/~9")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


@pytest.mark.proves("BY-1", "CL-2")
def test_the_extension_of_vs_code_starts_it_and_what_is_no_message_ends_it(path: Path) -> None:
    folder = path.parent / "extensions" / "timescape"
    assert run("dap", "--vscode", str(folder)).status == Exit.OK
    [debugger] = json.loads((folder / "package.json").read_text())["contributes"]["debuggers"]
    asked = framed({"seq": 1, "command": "launch", "arguments": {"requestId": "ffff"}})

    said = subprocess.run(
        [debugger["runtime"], folder / debugger["program"]],
        input=asked + b"GET / HTTP/1.1\r\n\r\n", capture_output=True, check=False,
        env={**os.environ, "TIMESCAPE_STORE": f"sqlite:///{path}"},
    )  # fmt: skip
    head, _, body = said.stdout.partition(b"\r\n\r\n")
    answer = json.loads(body)

    assert said.returncode == Exit.BAD_INPUT
    assert b"does not say how long it is" in said.stderr
    assert int(head.removeprefix(b"Content-Length: ")) == len(body)
    assert not answer["success"]
    assert "There is no request 'ffff'" in answer["message"]
    assert "`timescape requests` lists" in answer["message"]


@pytest.mark.proves("BY-1")
def test_the_extension_says_all_that_launch_takes_and_replaces_only_itself(tmp_path: Path) -> None:
    assert run("dap", "--vscode", str(tmp_path)).status == Exit.OK
    assert run("dap", "--vscode", str(tmp_path), "--json").records[0]["kind"] == "extension"
    package = json.loads((tmp_path / "package.json").read_text())
    [debugger] = package["contributes"]["debuggers"]

    for kind in ("launch", "attach"):
        taken = debugger["configurationAttributes"][kind]["properties"]
        assert set(taken) == set(Launch.__struct_encode_fields__)
    (tmp_path / "package.json").write_text('{"name": "mine"}')
    assert run("dap", "--vscode", str(tmp_path)).status == Exit.WRITE_REFUSED
