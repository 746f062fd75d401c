"""Drives the terminal debugger over a real store, as a person at 80x24 or 120x36 would.

`drive(scenario)` fills an SQLite store with one request of each sort (see
`tests.debugger.stores`), opens the debugger on it as a second process would, and hands
the scenario a `Person`. Nothing sleeps for a time: `settled` waits until no answer is owed.
"""

import asyncio
import tempfile
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from textual import events
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from debugger.session import Session
from debugger.session.again import Again
from debugger.tui import DebuggerApp, make_app
from eventstore import Store
from eventstore.sql import open_store
from runtime.context import registry
from tests.debugger.stores import CountedIds, Shop, Ticks, shop, sqlite_store

SIZES = ((120, 36), (80, 24))

SHOP_PY = "\n".join(f"line {number} of the shop" for number in range(1, 61)) + "\n"


class Hands:
    """A clock of seconds that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Person:
    """Somebody in front of the debugger."""

    def __init__(
        self, app: DebuggerApp, pilot: Pilot[None], made: Shop, store: Store, clock: Hands
    ) -> None:
        self.app = app
        self.pilot = pilot
        self.made = made
        self.store = store
        """The store as the server has it open: appends show in the debugger."""
        self.clock = clock

    async def press(self, *keys: str) -> None:
        """Press keys, each once everything has come to rest."""
        for key in keys:
            self._send(key)
            await self._rest()
        await self.settled()

    async def write(self, text: str) -> None:
        """Type *text* without waiting between the letters."""
        for char in text:
            self._send(char)
        await self.settled()

    def _send(self, key: str) -> None:
        name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
        char = _get_unicode_name_from_key(REPLACED_KEYS.get(name, name))
        try:
            text: str | None = unicodedata.lookup(char)
        except KeyError:
            text = key if len(key) == 1 else None
        event = events.Key(name, text)
        event.set_sender(self.app)
        self.app.post_message(event)

    async def _rest(self) -> None:
        """Wait until no answer is owed and no message is left."""
        quiet = 0
        while quiet < 5:
            await self.pilot._wait_for_screen()
            quiet = 0 if self.app.pending else quiet + 1
            # Gives way to the threads that owe an answer; the condition stands above.
            await asyncio.sleep(0.002 if self.app.pending else 0)

    async def settled(self) -> None:
        """Wait until no answer is owed and all is painted."""
        await self._rest()
        await self.pilot.pause()
        await self._rest()

    async def tick(self) -> None:
        """Let the debugger look once whether something was written."""
        face = self.app.face
        assert face is not None
        face.tick()
        await self.settled()

    async def resize(self, width: int, height: int) -> None:
        await self.pilot.resize_terminal(width, height)
        await self.settled()

    async def open(self, number: int) -> None:
        """Open the *number*-th request of the list, from 1, the newest."""
        await self.press("home", *["j"] * (number - 1), "enter")

    @property
    def text(self) -> str:
        """All that is painted, line by line."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @property
    def message(self) -> str:
        """What was last said to the person."""
        assert self.app.face is not None
        return self.app.face.bottom.message

    @property
    def revision(self) -> int:
        """The moment that is shown."""
        location = self.app.request.location
        assert location is not None
        return location.revision

    def at(self, kind: type[Screen[Any]]) -> bool:
        """Say whether a screen or dialog of *kind* is in front."""
        return isinstance(self.app.screen, kind)

    @property
    def focused(self) -> Widget | None:
        return self.app.focused


Scenario = Callable[[Person], Awaitable[None]]

ORDER, FAILING, HOSTILE, RUNNING, FORK = 9, 8, 2, 3, 1
"""Which row of the list is which request, from 1."""


def drive(
    scenario: Scenario,
    *,
    size: tuple[int, int] = (120, 36),
    read_only: bool = False,
    fill: Callable[[Store, Ticks], Shop] = shop,
    wrap: Callable[[Session], Session] = lambda session: session,
    again: Callable[[Store], Again] | None = None,
    roots: Sequence[Path] = (),
    **options: Any,
) -> None:
    """Run *scenario* in front of a debugger on a filled store."""
    # Screens show the folder: a name of another length is broken into other lines.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "shop.db"
        (Path(folder) / "shop.py").write_text(SHOP_PY, encoding="utf-8")
        clock = Ticks()
        with sqlite_store(path, clock) as server:
            made = fill(server, clock)
            with _opened(path, "read", clock) as store:
                session = wrap(
                    Session(
                        store,
                        write=lambda: _opened(path, "guest", clock),
                        clock=clock,
                        ids=CountedIds(0xE000),
                    )
                )
                hands = Hands()
                app = make_app(
                    session,
                    read_only=read_only,
                    source_roots=[*roots, Path(folder)],
                    again=again(store) if again is not None else None,
                    by="ann",
                    clock=hands,
                    tail_s=None,
                    rest_s=0,
                    **{"ascii_only": False, **options},
                )

                async def run() -> None:
                    async with app.run_test(size=size) as pilot:
                        person = Person(app, pilot, made, server, hands)
                        await person.settled()
                        await scenario(person)

                asyncio.run(run())


def _opened(path: Path, mode: Any, clock: Ticks) -> Store:
    return open_store(
        f"sqlite:///{path}",
        mode=mode,
        durability="volatile",
        registry=registry(),
        clock=clock,
        ids=CountedIds(0xF000),
    )
