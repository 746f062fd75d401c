"""A real browser for tests: headless Chromium, told what to do over a pair of pipes.

It is offline by what it is asked for: any request but for the page's own file is noted.
"""

import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--remote-debugging-pipe", "--window-size=1280,800", "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--lang=en",
)  # fmt: skip
PATIENCE_S = 60
_CODES = {"Home": 36, "End": 35, "ArrowLeft": 37, "ArrowRight": 39, "Escape": 27}


def browser_here() -> str | None:
    """Return the program, if this machine has one."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


class Page:
    """One tab."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = os.fdopen(commands, "wb", buffering=0)
        self._answers = answers
        self._heard = b""
        self._loaded = False
        self._number = 0
        self._session = ""
        self.requested: list[str] = []
        """Addresses that were asked for."""
        self.complaints: list[str] = []
        """What the page threw, or wrote to the console."""

    def attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def open(self, path: Path, fragment: str = "") -> None:
        """Load a file, whole."""
        # Of the file that is open, another fragment would load nothing.
        self._load("about:blank")
        self.requested.clear()
        self.complaints.clear()
        self._load(path.as_uri() + fragment)

    def _load(self, address: str) -> None:
        self._loaded = False
        self.call("Page.navigate", url=address)
        while not self._loaded:
            self._note(self._read())

    def ask(self, expression: str) -> Any:
        """Return what *expression* is in the page, as JSON; a promise is waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        text = {"text": key} if len(key) == 1 else {}
        code = _CODES.get(key, ord(key[0].upper()))
        for kind in ("keyDown", "keyUp"):
            extra = text if kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **extra
            )

    def call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        self._commands.write(json.dumps(command).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._heard:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE_S)
            piece = os.read(self._answers, 1 << 16) if ready else b""
            assert piece, "The browser is gone, or hangs."
            self._heard += piece
        text, _, self._heard = self._heard.partition(b"\0")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _note(self, told: dict[str, Any]) -> None:
        parameters = told.get("params", {})
        match told.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requested.append(parameters["request"]["url"].partition("#")[0])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters["exceptionDetails"])[:2000])
            case "Runtime.consoleAPICalled" | "Log.entryAdded":
                self.complaints.append(json.dumps(parameters)[:2000])
            case _:
                pass

    def close(self) -> None:
        self._commands.close()
        os.close(self._answers)


@contextmanager
def browsing(program: str, folder: Path) -> Iterator[Page]:
    """Start a browser with one tab; it is gone at the end, with all that it kept."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()

    def as_three_and_four() -> None:
        # Copies first: a pipe's own number may be 3 or 4.
        read, write = os.dup(theirs_in), os.dup(theirs_out)
        os.dup2(read, 3)
        os.dup2(write, 4)

    process = subprocess.Popen(
        [program, *_FLAGS, f"--user-data-dir={folder}"],
        preexec_fn=as_three_and_four,  # noqa: PLW1509 - it only moves two descriptors
        close_fds=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    page = Page(ours_out, ours_in)
    try:
        page.attach()
        yield page
    finally:
        page.close()
        process.terminate()
        process.wait()
