"""`timescape verify`: is the log as it was written? (CL-14)."""

import argparse
from collections.abc import Callable

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.cli.requests import positive
from debugger.errors import BadInputError, NotFoundError
from debugger.session import Session, request_id
from debugger.session.routing import corrupt_manifests
from eventstore import Verdict

COLUMNS = (
    Column("checked", right=True),
    Column("verified to", right=True),
    Column("seals", right=True),
    Column("root"),
    Column("fault"),
)
_ROOT_DIGITS = 16


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="first", type=positive, metavar="P", help="first position")
    parser.add_argument("--to", dest="last", type=positive, metavar="P", help="last position")
    parser.add_argument(
        "--since-seal", action="store_true", help="only the last seal and what came after it"
    )
    parser.add_argument(
        "--request", metavar="REQUEST", help="only this request, and what ties it to the log"
    )


def verify(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Check hashes, seals, order and names, and name the first row at fault."""
    _check_one_way(arguments)
    with stores.session(arguments.store) as session:

        def progress(done: int, total: int) -> None:
            output.progress("verify", done, total)

        verdict, part = _verdict(arguments, session, progress), session.is_part
        # What nobody altered may still have been written wrong: digests of manifests say so.
        corrupt = [] if verdict.fault or _is_part(arguments) else corrupt_manifests(session)
    output.table("verdict", COLUMNS, [row(verdict)])
    for each in corrupt:
        output.say(each.sentence)
    if corrupt:
        output.say("The log is as it was written; those manifests are not used.")
        return Exit.CORRUPT
    if verdict.fault is None:
        _say_well(arguments, verdict, output, part=part)
        return Exit.OK
    where = f"The row at position {verdict.position} is at fault ({verdict.fault})"
    what = f", of {request_id(verdict.stream)}" if verdict.stream else ""
    detail = f": {verdict.detail}" if verdict.detail else ""
    output.say(f"{where}{what}{detail.rstrip('.')}.")
    output.say("Keep the file and compare it with a backup: what stands before is as written.")
    return Exit.CORRUPT


def _is_part(arguments: argparse.Namespace) -> bool:
    return (
        arguments.first is not None
        or arguments.last is not None
        or arguments.since_seal
        or arguments.request is not None
    )


def _check_one_way(arguments: argparse.Namespace) -> None:
    part = arguments.first is not None or arguments.last is not None
    if sum([part, arguments.since_seal, arguments.request is not None]) > 1:
        problem = "A part by position, --since-seal and --request are three ways to verify less."
        raise BadInputError(problem, "Give one of them.")


def _verdict(
    arguments: argparse.Namespace, session: Session, progress: Callable[[int, int], None]
) -> Verdict:
    if arguments.since_seal:
        return session.verify_since_seal(progress)
    if arguments.request is not None:
        return session.verify_request(session.find(arguments.request), progress)
    end, first = session.end(), arguments.first or 1
    if arguments.last is not None and arguments.last < first:
        problem = f"Position {arguments.last} is before position {first}: nothing is between them."
        raise BadInputError(problem, "Give --to the greater one.")
    if first > max(end, 1):
        problem = f"There is no position {first}: the log ends at {end}."
        raise NotFoundError(problem, f"Give one from 1 to {end}.")
    return session.verify(progress, first=first, last=arguments.last)


def _say_well(
    arguments: argparse.Namespace, verdict: Verdict, output: Output, *, part: bool
) -> None:
    if part:
        output.say("What the file holds is as it was written; that nothing is missing behind it,")
        output.say("or between its rows, is not provable from it.")
    elif arguments.since_seal:
        output.say("The last seal stands, and what came after it is as it was written.")
    elif arguments.request is not None:
        output.say("The request is as it was written, and tied to the log.")
    elif arguments.first is None and arguments.last is None:
        output.say("The whole log is as it was written.")
    else:
        output.say("That part is in order.")
    if verdict.seals:
        output.say(f"Sealed up to position {verdict.sealed_to} by key {verdict.key.hex()}.")
    unsealed = verdict.verified_to - verdict.sealed_to
    if unsealed and not part and (arguments.since_seal or not _is_part(arguments)):
        last = "fact is" if unsealed == 1 else f"{unsealed:,} facts are"
        output.say(f"The last {last} not sealed." if verdict.seals else "It has no seal.")
    if verdict.unvouched:
        times = "once" if verdict.unvouched == 1 else f"{verdict.unvouched} times"
        output.say(f"The key changed {times} without a signature of the one before it.")


def row(verdict: Verdict) -> tuple[dict[str, object], dict[str, object]]:
    """Return *verdict* as fields and as cells."""
    stream = request_id(verdict.stream) if verdict.stream else None
    fields: dict[str, object] = {
        "checked": verdict.checked,
        "verified_to": verdict.verified_to,
        "seals": verdict.seals,
        "root": verdict.root.hex() or None,
        "sealed_to": verdict.sealed_to,
        "key": verdict.key.hex() or None,
        "unvouched_keys": verdict.unvouched,
        "fault": verdict.fault,
        "position": verdict.position,
        "request": stream,
        "detail": verdict.detail,
    }
    cells: dict[str, object] = {
        "checked": str(verdict.checked),
        "verified to": str(verdict.verified_to),
        "seals": str(verdict.seals),
        "root": verdict.root.hex()[:_ROOT_DIGITS] or "none",
        "fault": verdict.fault or "none",
    }
    return fields, cells


COMMAND = Command(
    "verify",
    "check that nothing recorded was altered",
    """Check the log from end to end: every row carries a hash over the row before it and its own
content, and seals sign what the hashes were. Prints how many rows were checked, up to which
position all is well, how many seals stand, and the root of the last one, to compare with a seal
that was kept elsewhere; ends with 5 (corrupt) and the first row at fault otherwise.

examples:
  timescape verify
  timescape verify --since-seal                 quick: what a server checks when it starts
  timescape verify --request 9f31c2             one request, and what ties it to the log
  timescape verify --from 100000 --to 200000
""",
    _declare,
    verify,
    (Exit.NOT_FOUND, Exit.CORRUPT, Exit.INTERRUPTED),
)
