"""An editor, as far as the Debug Adapter Protocol knows one: a client of `timescape dap`."""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from debugger.dap.framing import framed, read_message
from tests import warm

PATIENCE_S = 30.0
Body = dict[str, Any]


class RefusedError(Exception):
    """The adapter answered that it cannot."""


class Editor:
    """Asks a child process, and keeps what it tells meanwhile."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        assert child.stdin is not None
        self._child = child
        self._in = child.stdin
        self._seq = 0
        self._came: queue.Queue[Body | None] = queue.Queue()
        self.events: list[Body] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        while (body := read_message(self._child.stdout)) is not None:
            self._came.put(json.loads(body))
        self._came.put(None)

    def _next(self, what: str) -> Body:
        try:
            message = self._came.get(timeout=PATIENCE_S)
        except queue.Empty:
            msg = f"nothing came in {PATIENCE_S} s, instead of {what}"
            raise AssertionError(msg) from None
        assert message is not None, f"the adapter ended, instead of {what}"
        return message

    def send(self, command: str, **arguments: Any) -> int:
        """Ask without waiting; give the number of the request."""
        self._seq += 1
        asked = {"seq": self._seq, "type": "request", "command": command, "arguments": arguments}
        self._in.write(framed(asked))
        self._in.flush()
        return self._seq

    def answer(self, seq: int) -> Body:
        """Wait for the answer to a request."""
        while True:
            message = self._next(f"the answer to {seq}")
            if message["type"] == "event":
                self.events.append(message)
            elif message["request_seq"] == seq:
                if not message["success"]:
                    raise RefusedError(message["message"])
                body: Body = message.get("body") or {}
                return body

    def ask(self, command: str, **arguments: Any) -> Body:
        """Ask and wait."""
        return self.answer(self.send(command, **arguments))

    def event(self, name: str) -> Body:
        """Take the next event of a name, out of those that came or that come."""
        for index, message in enumerate(self.events):
            if message["event"] == name:
                return dict(self.events.pop(index)["body"] or {})
        while True:
            message = self._next(f"the event {name}")
            assert message["type"] == "event", message
            if message["event"] == name:
                return dict(message.get("body") or {})
            self.events.append(message)

    # --- what editors do ---

    def open(self, **launch: Any) -> Body:
        """Begin as editors do, without breakpoints; give what the adapter can do."""
        able = self.ask("initialize", adapterID="timescape", supportsVariableType=True,
                        supportsInvalidatedEvent=True)  # fmt: skip
        self.ask("launch", **launch)
        self.event("initialized")
        return able

    def step(self, command: str, thread: int = 1, **arguments: Any) -> Body:
        """Move, and give where it stopped."""
        self.ask(command, threadId=thread, **arguments)
        return self.event("stopped")

    def frames(self, thread: int = 1) -> list[Body]:
        """Give the frames of a thread."""
        return list(self.ask("stackTrace", threadId=thread)["stackFrames"])

    def scopes(self, thread: int = 1) -> dict[str, int]:
        """Give the scopes of its innermost frame, by name."""
        frame = self.frames(thread)[0]["id"]
        found = self.ask("scopes", frameId=frame)["scopes"]
        return {scope["name"]: scope["variablesReference"] for scope in found}

    def variables(self, reference: int, **arguments: Any) -> dict[str, Body]:
        """Give the parts of a value, by name."""
        found = self.ask("variables", variablesReference=reference, **arguments)["variables"]
        return {each["name"]: each for each in found}


@contextmanager
def editor(*words: str, cwd: Path) -> Iterator[Editor]:
    """Start `timescape dap`; at the end it is disconnected and has to have ended well."""
    child = subprocess.Popen(
        [*warm.program(), "dap", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
    )  # fmt: skip
    try:
        one = Editor(child)
        yield one
        one.ask("disconnect")
        assert child.wait(PATIENCE_S) == 0
    finally:
        child.kill()
        child.communicate()
