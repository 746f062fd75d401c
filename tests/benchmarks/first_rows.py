"""Starts a program on a terminal and says how long it took to show something, and its memory.

`python -m tests.benchmarks.first_rows BEGAN_S [STORE]`: the debugger on a store, until the first
requests are painted; without a store, an app of Textual with nothing but a label.
"""

import asyncio
import gc
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.widgets import Label

from tests.benchmarks.terminal import shown


class Bare(App[None]):
    """The least that Textual shows."""

    def compose(self) -> ComposeResult:
        yield Label("shown at last")


async def first_paint(app: App[Any], awaited: str) -> float:
    """Give when *awaited* was painted first."""
    async with shown(app, awaited) as typist:
        return await typist.screen.first_of_awaited()


def seen_s(store: str | None) -> float:
    if store is None:
        return asyncio.run(first_paint(Bare(), "shown at last"))
    # The debugger's own imports belong to its start, and not to the peer's.
    from debugger.cli.debug import started_quickly  # noqa: PLC0415
    from debugger.cli.opening import SqlStores  # noqa: PLC0415

    with started_quickly(), SqlStores().session(store) as session:
        from debugger.tui import make_app  # noqa: PLC0415

        gc.freeze()
        gc.enable()
        return asyncio.run(first_paint(make_app(session, read_only=True), "req-"))


def peak_mib() -> float:
    """Give the most memory this program had; `getrusage` would count who started it too."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def main() -> None:
    began_s = float(sys.argv[1])
    seen = seen_s(sys.argv[2] if len(sys.argv) > 2 else None)
    sys.stdout.write(json.dumps({"took_s": seen - began_s, "peak_mib": peak_mib()}))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.argv.append(str(time.perf_counter()))
    main()
