"""`timescape doctor`: whether this installation can do what it is for."""

import argparse
from collections.abc import Mapping

from debugger.cli.command import Command, Stores
from debugger.cli.examining import Check, Place, Verdict, examine
from debugger.cli.exits import Exit
from debugger.cli.opening import check_url
from debugger.cli.output import Column, Output

COLUMNS = (Column("check"), Column("verdict"), Column("found", cut=True))


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--strict", action="store_true", help="a warning is a failure, too")


def doctor(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Examine the installation."""
    check_url(arguments.store)
    found = examine(Place.here(arguments.store))
    output.table("check", COLUMNS, [(_fields(each), _cells(each)) for each in found])
    wrong = [each for each in found if each.verdict in _wrong(strict=arguments.strict)]
    if not output.as_json:
        for each in found:
            if each.remedy:
                output.say(f"{each.name}: {each.remedy}")
    output.say(f"{len(wrong)} of {len(found)} checks failed." if wrong else "All is well.")
    return Exit.UNAVAILABLE if wrong else Exit.OK


def _wrong(*, strict: bool) -> tuple[Verdict, ...]:
    return (Verdict.FAIL, Verdict.WARN) if strict else (Verdict.FAIL,)


def _cells(each: Check) -> Mapping[str, str]:
    return {"check": each.name, "verdict": each.verdict.value, "found": each.found}


def _fields(each: Check) -> Mapping[str, str]:
    return {**_cells(each), "remedy": each.remedy}


COMMAND = Command(
    "doctor",
    "check this installation",
    """Check what Timescape runs on: Python, SQLite, the store and its tables, the driver for
PostgreSQL, the terminal, and what is optional. Nothing is written, and no store is made.

Each check says ok, warn (it works, not as well as it could), absent (it is not there, and not
needed for this store) or fail, with what to do. It ends with `unavailable` if one fails.

examples:
  timescape doctor
  timescape doctor --store postgresql://shop@localhost/shop
  timescape doctor --json --strict
""",
    _declare,
    doctor,
)
