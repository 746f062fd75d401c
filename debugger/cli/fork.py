"""`timescape fork`: run on from a moment, with something changed (CL-11, RX-5)."""

import argparse

from debugger.cli import rerunning
from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import moment
from debugger.cli.output import Column, Output
from debugger.session import request_id
from runtime.replay import Library, Options, keep_fork, run_again

COLUMNS = (
    Column("fork"),
    Column("parent"),
    Column("at", right=True),
    Column("outcome"),
)


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", metavar="REQUEST", help="id, or its last 4 digits or more")
    parser.add_argument("--at", metavar="M", help="the moment to go on from (default: as late)")
    rerunning.declare(parser)
    parser.add_argument("--dry-run", action="store_true", help="keep nothing")


def fork(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Run a request on from a moment and keep that as a fork."""
    app = rerunning.app_of(arguments)
    edits = rerunning.edits_of(arguments)
    with stores.session(arguments.store, writable=not arguments.dry_run) as session:
        timeline = session.timeline(session.find(arguments.request))
        at = None
        if arguments.at is not None:
            at = moment(timeline, arguments.at, timeline.last, output)
        options = Options(
            version=arguments.version,
            at=at,
            edits=edits,
            on_divergence="fork",
            stubs=rerunning.stubs_of(arguments),
            live=arguments.live,
            trace=arguments.trace,
        )
        id_ = session.new_request()
        told = run_again(Library(app, session.store), timeline.events, options, fork=id_, keep=True)
        if not arguments.dry_run:
            with session.writing() as writer:
                told = keep_fork(writer, told)
    rerunning.tell(told, output)
    if told.lines:
        rerunning.print_lines(told.lines, output)
    fields = {**rerunning.fields_of(told), "at": told.shared}
    cells = {
        "fork": request_id(told.fork) if told.kept else "not kept",
        "parent": request_id(told.request),
        "at": f"#{told.shared}",
        "outcome": str(fields["replayed"] or "did not end"),
    }
    output.table("fork", COLUMNS, [(fields, cells)])
    output.say("The request itself is as it was.")
    return Exit.OK if told.is_whole else Exit.DIVERGED


COMMAND = Command(
    "fork",
    "run a request on from a moment, with something changed",
    """Run a request again up to a moment, change something, and run on: a new request that
shares its history up to there. The request itself is not changed by a byte. Nothing is performed:
what the run asks for is answered as it was then, where the same is asked the same time; other
calls need --stub NAME=JSON, or --live NAME to really make them.

A number in the place of a decimal is a decimal. A value that JSON lacks is written as in the
log: {"$datetime": "2026-10-01T12:00:00Z"}.

examples:
  timescape fork 9f31c2 --app shop:app --at 22 --set /lines/0/net=30.84 --stub bank.charge=true
  timescape fork 9f31c2 --app shop:app --answer 3=false
  timescape fork 9f31c2 --app shop:app --input '/body/voucher=null'
  timescape fork 9f31c2 --app shop:app --at priced --dry-run
""",
    _declare,
    fork,
    (Exit.DIVERGED, Exit.NOT_FOUND, Exit.NOT_REPLAYABLE, Exit.WRITE_REFUSED, Exit.PARTIAL),
    wants_app=True,
)
