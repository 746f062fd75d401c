"""`timescape import`: check an export, and bring it into a store (CL-15)."""

import argparse
from collections.abc import Callable
from contextlib import ExitStack

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.opening import import_export, opened_in_place, verify_export
from debugger.cli.output import Column, Output
from debugger.cli.verify import COLUMNS as CHECKED
from debugger.cli.verify import row as verdict_row
from debugger.session import request_id

COLUMNS = (
    Column("requests", right=True), Column("rows", right=True), Column("facts", right=True),
    Column("known", right=True), Column("left out", right=True), Column("told at", right=True),
)  # fmt: skip


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="that `timescape export` wrote")
    parser.add_argument("--check", action="store_true", help="only check it; needs no store")


def bring_in(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Check an export, or bring it into the store."""

    def progress(done: int, total: int) -> None:
        output.progress("verify", done, total)

    with ExitStack() as opened:
        parts = opened_in_place(arguments.file, opened)
        file = str(parts[0]) if parts else arguments.file
        if arguments.check:
            return _check(file, output, progress)
        done = import_export(file, arguments.store, progress)
    fields = {
        "restored": done.restored, "requests": done.streams, "rows": done.rows,
        "facts": done.events, "known": done.known, "left_out": done.left_out,
        "position": done.position,
    }  # fmt: skip
    cells = {
        "requests": str(done.streams), "rows": str(done.rows), "facts": str(done.events),
        "known": str(done.known), "left out": str(done.left_out), "told at": str(done.position),
    }  # fmt: skip
    output.table("imported", COLUMNS, [(fields, cells)])
    if done.restored:
        output.say("The store is the one that was exported, with its id, positions and seals.")
    elif done.streams == 0:
        output.say("The store has all of it already.")
    if done.left_out:
        output.say("Left out: deployments and configuration of the other store.")
    return Exit.OK


def _check(file: str, output: Output, progress: Callable[[int, int], None]) -> Exit:
    verdict = verify_export(file, progress)
    output.table("verdict", CHECKED, [verdict_row(verdict)])
    if verdict.fault is None:
        output.say("The file is as it was written.")
        output.say(
            f"Sealed up to position {verdict.sealed_to} by key {verdict.key.hex()}: compare it"
            " with the key that the store's owner names."
            if verdict.seals
            else "No seal is over it: nothing but its own hashes vouches for it."
        )
        return Exit.OK
    what = f", of {request_id(verdict.stream)}" if verdict.stream else ""
    output.say(
        f"The row at position {verdict.position} is at fault ({verdict.fault}){what}:"
        f" {verdict.detail}"
    )
    return Exit.CORRUPT


COMMAND = Command(
    "import",
    "check an export, and bring it into a store",
    """Bring a file that `timescape export` wrote into a store; it is verified first. A store that
is empty, or is not there yet, becomes the one that was exported if the file holds the whole log:
same id, positions, hashes and seals. Else the requests that the store lacks are appended, and that
they were is itself in the log; deployments and configuration are left out. Doing it twice adds
nothing. If the store has other facts for a request, nothing is imported.

examples:
  timescape import --check case-7.tsx
  timescape import shop-2026.tsx --store sqlite:///restored.db
  timescape import case-7.tsx
  timescape import case-7.timescape
""",
    _declare,
    bring_in,
    (Exit.CORRUPT, Exit.WRITE_REFUSED),
)
