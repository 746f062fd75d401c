"""`timescape fork`: run on from a moment, with something changed; list, name, remove (CL-11)."""

import argparse
from collections.abc import Callable

from debugger.cli import forking, rerunning
from debugger.cli.command import Command, Stores
from debugger.cli.confirming import typed_line
from debugger.cli.exits import Exit
from debugger.cli.moments import moment
from debugger.cli.output import Output
from debugger.cli.restore import user
from debugger.errors import BadInputError
from debugger.session import Session, request_id
from debugger.session.forks import name_fork, refuse_taken
from debugger.timeline import Timeline
from runtime.replay import Edit, Library, Options, Replay, keep_fork, run_again


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "request",
        metavar="REQUEST",
        help="id, its last 4 digits or more, or REQUEST/NAME of a fork",
    )
    parser.add_argument("--at", metavar="M", help="the moment to go on from (default: as late)")
    rerunning.declare(parser)
    parser.add_argument("--dry-run", action="store_true", help="keep nothing")
    parser.add_argument("--list", action="store_true", help="print all forks of the request")
    parser.add_argument("--name", metavar="NAME", help="call the new fork so; alone: this fork")
    parser.add_argument("--remove", action="store_true", help="drop this fork for good")
    parser.add_argument("--reason", default="", metavar="TEXT", help="of --remove: kept in the log")
    parser.add_argument("--by", default="", metavar="NAME", help="who asks (default: your login)")
    parser.add_argument("--yes", action="store_true", help="of --remove: do not ask")


def fork(
    arguments: argparse.Namespace,
    output: Output,
    stores: Stores,
    *,
    answer: Callable[[], str | None] = typed_line,
) -> Exit:
    """Run a request on from a moment and keep that as a fork, or see to forks there are."""
    runs = _runs(arguments)
    if arguments.list + arguments.remove + runs > 1 or (
        arguments.name is not None and (arguments.list or arguments.remove)
    ):
        problem = "--list, --remove and running on are different things."
        raise BadInputError(problem, "Ask for one of them.")
    if arguments.list:
        with stores.session(arguments.store) as session:
            return forking.print_forks(session, session.find(arguments.request), output)
    if arguments.remove:
        with stores.session(arguments.store, writable=True) as session:
            return forking.remove(session, arguments, output, answer)
    if arguments.name is not None and not runs:
        with stores.session(arguments.store, writable=True) as session:
            return forking.name(session, arguments, output)
    return _run_on(arguments, output, stores)


def _runs(arguments: argparse.Namespace) -> bool:
    """Say whether anything asks for a run."""
    several = ("set", "unset", "answer", "input", "stub", "live")
    return (
        arguments.at is not None
        or arguments.version is not None
        or arguments.trace
        or arguments.dry_run
        or any(getattr(arguments, name) for name in several)
    )


def _run_on(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    if arguments.live and arguments.dry_run:
        problem = "--dry-run keeps nothing, and what --live calls has happened."
        raise BadInputError(problem, "Leave one of them out.")
    app, edits = rerunning.app_of(arguments), rerunning.edits_of(arguments)
    with stores.session(arguments.store, writable=not arguments.dry_run) as session:
        stream = session.find(arguments.request)
        if arguments.name is not None:
            refuse_taken(session, stream, arguments.name)
        timeline = session.timeline(stream)
        options = _options(arguments, edits, timeline, output)
        rerunning.say_live(arguments, output)
        id_ = session.new_request()
        told = run_again(Library(app, session.store), timeline.events, options, fork=id_, keep=True)
        if not arguments.dry_run:
            told = _kept(session, told, arguments)
            if arguments.live and not told.kept:
                output.say("LIVE: the run came to no end, so it is not on record.")
    rerunning.tell(told, output)
    if told.lines:
        rerunning.print_lines(told.lines, output)
    _print(told, len(edits), arguments.name, output)
    return Exit.OK if told.is_whole else Exit.DIVERGED


def _options(
    arguments: argparse.Namespace, edits: list[Edit], timeline: Timeline, output: Output
) -> Options:
    at = None
    if arguments.at is not None:
        at = moment(timeline, arguments.at, timeline.last, output)
    return Options(
        version=arguments.version,
        at=at,
        edits=edits,
        on_divergence="fork",
        stubs=rerunning.stubs_of(arguments),
        live=arguments.live,
        trace=arguments.trace,
    )


def _kept(session: Session, told: Replay, arguments: argparse.Namespace) -> Replay:
    with session.writing() as writer:
        kept = keep_fork(writer, told)
    if kept.kept and arguments.name is not None:
        name_fork(session, kept.fork, arguments.name, by=arguments.by or user())
    return kept


def _print(told: Replay, edits: int, name: str | None, output: Output) -> None:
    named = name if told.kept else None
    fields = {**rerunning.fields_of(told), "at": told.shared, "edits": edits, "name": named}
    cells = {
        "fork": request_id(told.fork) if told.kept else "not kept",
        "parent": request_id(told.request),
        "at": f"#{told.shared}",
        "edits": str(edits),
        "outcome": str(fields["replayed"] or "did not end"),
    }
    output.table("fork", forking.COLUMNS, [(fields, cells)])
    output.say("The request itself is as it was.")


COMMAND = Command(
    "fork",
    "run a request on from a moment, with something changed",
    """Run a request again up to a moment, change something, and run on: a new request that
shares its history up to there. The request itself is not changed by a byte. Nothing is performed:
what the run asks for is answered as it was then, where the same is asked the same time; other
calls need --stub NAME=JSON, or --live NAME to really make them.

A number in the place of a decimal is a decimal. A value that JSON lacks is written as in the
log: {"$datetime": "2026-10-01T12:00:00Z"}.

Forks may have names, of at most 128 characters; REQUEST/NAME means one. --remove drops what only
the fork says, for good: its hashes stay, and that it was done, by whom and why, is itself in the
log. A fork that others go on from stays.

examples:
  timescape fork 9f31c2 --app shop:app --at 22 --set /lines/0/net=30.84 --stub bank.charge=true
  timescape fork 9f31c2 --app shop:app --answer 3=false --name "bank says no"
  timescape fork 9f31c2 --app shop:app --input '/body/voucher=null'
  timescape fork 9f31c2 --app shop:app --at priced --unset /note --dry-run
  timescape fork 9f31c2 --list
  timescape fork "9f31c2/bank says no" --remove --reason "looked at"
""",
    _declare,
    fork,
    (Exit.DIVERGED, Exit.NOT_FOUND, Exit.NOT_REPLAYABLE, Exit.WRITE_REFUSED, Exit.PARTIAL),
    wants_app=True,
)
