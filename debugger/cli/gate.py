"""`timescape gate`: hold live requests, look at them, let them go (CL-13)."""

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.cli.rerunning import edits_of
from debugger.cli.restore import user
from debugger.errors import BadInputError, GatesOffError
from debugger.session import Session
from debugger.session.gates import GateDesk, address_of, other_addresses
from runtime.effects import SystemIds
from runtime.gates import GateView, PauseView, Wanted
from runtime.gates.views import BEAT_S
from runtime.gates.wanted import OF_FACTS, OF_REQUESTS
from runtime.lifecycle.editing import SetState

GATES = (
    Column("gate"),
    Column("match", cut=True),
    Column("when", cut=True),
    Column("hits", right=True),
    Column("paused", right=True),
    Column("by"),
)
PAUSED = (
    Column("pause"),
    Column("gate"),
    Column("point", cut=True),
    Column("left", right=True),
    Column("caller", right=True),
    Column("by"),
)
_HOW = {"resume": "resumed", "step": "step", "fail": "failed"}
_ACTIONS = ("arm", "list", "disarm", "paused", *_HOW, "extend")
_WITHOUT = ("arm", "list", "paused")


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="ACTION", choices=_ACTIONS, help=", ".join(_ACTIONS))
    parser.add_argument("of", metavar="OF", nargs="?", help="a gate; a pause, request or gate")
    for name in (*OF_REQUESTS, *OF_FACTS):
        parser.add_argument(f"--{name}", metavar="TEXT", help=f"arm: match this {name}; * and ?")
    parser.add_argument("--when", default="", metavar="FILTER", help="arm: only where this holds")
    parser.add_argument(
        "--hold", type=float, default=300.0, metavar="S", help="arm: at most so long (default: 300)"
    )
    parser.add_argument(
        "--cap", type=int, default=1, metavar="N", help="arm: so many at once (default: 1)"
    )
    parser.add_argument("--note", action="store_true", help="arm: tell of requests, hold none")
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=JSON",
        help="resume, step: another value of the state",
    )  # fmt: skip
    parser.add_argument("--forked", metavar="FORK", help="resume: unedited; a fork was run instead")
    parser.add_argument(
        "--seconds", type=float, default=30.0, metavar="S", help="extend: by so much (default: 30)"
    )
    parser.add_argument("--admin", metavar="URL", help="admin listener (default: as the log says)")
    parser.add_argument(
        "--by",
        default="",
        metavar="NAME",
        help="who asks, if no token tells (default: login)",
    )
    parser.set_defaults(answer=[], input=[], unset=[])


def gate(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Arm gates, look at what they hold, let it go."""
    what, of = arguments.what, arguments.of
    if (of is None) != (what in _WITHOUT):
        problem = f"`gate {what}` {'takes no name' if of else 'does it to nothing'}."
        raise BadInputError(problem, "See --help.")
    with stores.session(arguments.store) as session:
        desk = opened(session, arguments.admin, arguments.by or user())
    _DOES[what](desk, arguments, output)
    return Exit.OK


def opened(session: Session, admin: str | None, by: str) -> GateDesk:
    """Find the process that serves from *session*'s store, for one debugger to ask.

    Raises:
        GatesOffError: there is none.
        BadInputError: its address is none that may be asked.
    """
    token = os.environ.get("TIMESCAPE_ADMIN_TOKEN") or None
    address = address_of(session, admin)
    others = () if admin is not None else other_addresses(session, address)
    return GateDesk(address, token, owner=SystemIds().token(16).hex(), by=by, others=others)


def _list(desk: GateDesk, arguments: argparse.Namespace, output: Output) -> None:
    del arguments
    if not output.table("gate", GATES, map(row_of_gate, desk.look().gates), header=True):
        output.say("No gate is armed.")


def _paused(desk: GateDesk, arguments: argparse.Namespace, output: Output) -> None:
    del arguments
    if not output.table("pause", PAUSED, map(row_of_pause, desk.look().paused)):
        output.say("No request is held.")


def row_of_gate(view: GateView) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a gate as JSON fields and as cells."""
    fields = to_builtins(view)
    return fields, {**fields, "match": " ".join(f"{k}:{v}" for k, v in view.match.items())}


def row_of_pause(view: PauseView) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a request that is held as JSON fields and as cells."""
    caller = view.caller if isinstance(view.caller, str) else f"{view.caller:.1f} s"
    return to_builtins(view), {
        **to_builtins(view), "left": f"{view.left:.1f} s", "caller": caller,
    }  # fmt: skip


def _disarm(desk: GateDesk, arguments: argparse.Namespace, output: Output) -> None:
    desk.disarm(arguments.of)
    output.say(f"{arguments.of} is disarmed; what it held goes on.")


def _release(desk: GateDesk, arguments: argparse.Namespace, output: Output) -> None:
    how = "forked" if arguments.forked else _HOW[arguments.what]
    edits = [each for each in edits_of(arguments) if isinstance(each, SetState)]
    pause = desk.release(arguments.of, how, edits=edits, fork=arguments.forked or "")
    how = "edited" if edits and how == "resumed" else how
    output.table("released", (Column("pause"), Column("how")), [_same(pause=pause, how=how)])


def _same(**fields: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return fields, {name: f"{value}" for name, value in fields.items()}


def _extend(desk: GateDesk, arguments: argparse.Namespace, output: Output) -> None:
    left = desk.extend(arguments.of, arguments.seconds)
    output.table("extended", (Column("left", right=True),), [_same(left=round(left, 1))])


# --- arm stays ---


def _arm(desk: GateDesk, arguments: argparse.Namespace, output: Output) -> None:
    match = {name: value for name in (*OF_REQUESTS, *OF_FACTS) if (value := _of(arguments, name))}
    wanted = Wanted(match, arguments.when, arguments.hold, arguments.cap, arguments.note)
    name = desk.arm(wanted)
    output.table("gate", GATES, map(row_of_gate, _named(desk.beat().gates, name)))
    output.flush()
    output.say("It stays armed as long as this runs; ctrl+c disarms it.")
    output.flush()
    try:
        _stay(desk, name, output, time.sleep)
    except KeyboardInterrupt:
        desk.disarm(name)
        output.say(f"{name} is disarmed; what it held goes on.")


def _of(arguments: argparse.Namespace, name: str) -> str | None:
    found: str | None = getattr(arguments, name)
    return found


def _named(gates: Sequence[GateView], name: str) -> list[GateView]:
    return [each for each in gates if each.gate == name]


def _stay(desk: GateDesk, name: str, output: Output, pause: Callable[[float], None]) -> None:
    """Say again and again that the gate is wanted, and whom it holds, until it is gone."""
    told: set[str] = set()
    while True:
        try:
            held = desk.beat()
        except GatesOffError as error:
            output.say(error.problem)
            return
        if not _named(held.gates, name):
            output.say(f"{name} was disarmed.")
            return
        new = [p for p in held.paused if p.gate == name and p.pause not in told]
        if new:
            output.table("pause", PAUSED, map(row_of_pause, new), header=not told)
            told.update(each.pause for each in new)
            output.flush()
        pause(BEAT_S)


_DOES: Mapping[str, Callable[[GateDesk, argparse.Namespace, Output], None]] = {
    "arm": _arm,
    "list": _list,
    "disarm": _disarm,
    "paused": _paused,
    "extend": _extend,
    **dict.fromkeys(_HOW, _release),
}

COMMAND = Command(
    "gate",
    "hold live requests, look at them, edit them, let them go",
    """Hold requests of an app that is served with --gates. A gate names where: any of --route,
--version, --principal, --stream, --hook, --effect, --fact and --line; all that are given must
hold, and --when FILTER, too. A request that matches waits before or after the hook, handler or
effect, with what it did so far in the log and its deadline standing still; others never wait. It
goes on when it is told to, and in any case after --hold seconds. `arm` stays until ctrl+c: when it
ends, however it ends, its gates are disarmed and what they held goes on.

examples:
  timescape gate arm --route 'POST /orders*' --hook tax --hold 30
  timescape gate arm --effect bank.charge --when 'state.total > 400'
  timescape gate arm --fact hook.failed --note      tells, and holds nobody
  timescape gate list
  timescape gate paused --json
  timescape gate resume req-... --set /total=99     `state` and `log` show it meanwhile
  timescape gate resume req-... --forked req-...    what `fork` made of it is looked at instead
  timescape gate step req-...                       to its next point
  timescape gate fail req-...                       503 gate-failed
  timescape gate extend req-... --seconds 60
""",
    _declare,
    gate,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
)
