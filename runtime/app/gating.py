"""What debuggers ask about gates, by the admin listener: `POST /gates`, JSON both ways (KB-4).

Browsers are turned away, whatever page they show: a page of another origin could reach loopback.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from eventstore import Clock, EventStoreError, Ids, Store
from runtime.app.life import ControlLog
from runtime.control import control_stream
from runtime.errors import GateRefusedError
from runtime.gate_facts import GatesOpened
from runtime.gates import Keeper, ReadCondition, Wanted
from runtime.ingress.plain_http import plain
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.editing import SetState
from runtime.messages import Answer
from runtime.team import Team

PATH = "/gates"


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing a debugger wants."""

    do: str
    """beat, arm, disarm, release or extend; each is answered with all there is, too."""
    owner: str = ""
    """Who this is: a text nobody else uses."""
    by: str = ""
    of: str = ""
    """A gate to disarm; a pause, request or gate to release or extend."""
    wanted: Wanted = Wanted()
    how: str = "resumed"
    edits: tuple[SetState, ...] = ()
    fork: str = ""
    seconds: float = 30.0


_read = msgspec.json.Decoder(Asked).decode
_STATUS = {
    "bad-input": 400, "browser": 403, "no-such": 404, "released": 409, "gates-off": 409,
    "unavailable": 503,
}  # fmt: skip


class Gating:
    """The gates of an app that is served.

    Args:
        app: its name.
        store: its log.
        clock: gives the time.
        ids: names gates.
        read: reads conditions.
    """

    def __init__(self, app: str, store: Store, clock: Clock, ids: Ids, read: ReadCondition) -> None:
        self._app = app
        self._node = "" if store.nodes is None else store.nodes.me
        self._control = ControlLog(store, control_stream(app), clock)
        self.keeper = Keeper(clock, ids, read, self._control.tell, self._node)
        self._does: Mapping[str, Callable[[Asked], Any]] = {
            "beat": lambda asked: self.keeper.beat(asked.owner) if asked.owner else None,
            "arm": lambda asked: self.keeper.arm(asked.owner, asked.by, asked.wanted),
            "disarm": lambda asked: self.keeper.disarm(asked.of, asked.by),
            "release": lambda asked: self.keeper.release(
                asked.of, asked.how, asked.by, asked.edits, asked.fork
            ),
            "extend": lambda asked: self.keeper.extend(asked.of, asked.seconds),
        }

    def open(self, controller: Controller, address: str) -> None:
        """Let requests be held from now on, and tell the log where to ask for it."""
        controller.gates = self.keeper.watch
        self._control.tell(GatesOpened(address, self._node), self._app)

    def follow(self, team: Team) -> None:
        """Hold what debuggers want to be held at other processes."""
        self.keeper.follow(team.gates(but=self._node), team.disarmed)

    async def answer(
        self, headers: Mapping[str, str], body: bytes, by: Callable[[str], str] = str
    ) -> Answer:
        """Do what is asked; *by* makes of who somebody claims to be who is recorded (KB-4)."""
        if "origin" in headers or "sec-fetch-site" in headers:
            return _refused("browser", "Browsers may not ask this.")
        try:
            asked = _read(body)
            asked = msgspec.structs.replace(asked, by=by(asked.by))
            done = self._does.get(asked.do, _unknown)(asked)
            await self._control.durable()
        except GateRefusedError as error:
            return _refused(
                error.reason, error.problem, error.remedy,
                by=error.by, how=error.how,
            )  # fmt: skip
        except msgspec.DecodeError as error:
            return _refused("bad-input", f"It cannot be read: {error}.")
        except EventStoreError as error:
            return _refused("unavailable", error.problem, error.remedy)
        except ValueError as error:
            # The reader's own: a condition that it cannot read.
            problem = getattr(error, "problem", str(error))
            return _refused("bad-input", problem, getattr(error, "remedy", ""))
        return plain(200, {"done": done, "held": self.keeper.view()})

    def close(self) -> None:
        """Let all go that is held."""
        self.keeper.close()


def _unknown(asked: Asked) -> None:
    raise GateRefusedError("bad-input", f"There is nothing like {asked.do[:40]!r} to do.")


def off() -> Answer:
    """Return the answer of a process that takes no gates (GA-1)."""
    return _refused("gates-off", "This process takes no gates.", "Serve the app with --gates.")


def _refused(reason: str, problem: str, remedy: str = "", **more: str) -> Answer:
    said = {"reason": reason, "problem": problem, "remedy": remedy, **more}
    return plain(_STATUS[reason], said)
