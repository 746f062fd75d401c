"""`timescape replay`: run a recorded request again (CL-9, RX-2…4)."""

import argparse

from debugger.cli import corpus, rerunning
from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.cli.requests import positive
from debugger.errors import BadInputError
from debugger.session import request_id
from runtime.replay import Library, Options, keep_fork, run_again

COLUMNS = (
    Column("request"),
    Column("recorded", right=True),
    Column("replayed", right=True),
    Column("verdict"),
    Column("first divergence", cut=True),
    Column("fork"),
)


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "requests", nargs="*", default=[], metavar="REQUEST", help="id, or its last digits"
    )
    parser.add_argument("--where", default="", metavar="FILTER", help="all requests that match")
    parser.add_argument(
        "--jobs", type=positive, default=1, metavar="N", help="processes, of several requests"
    )
    rerunning.declare(parser)
    parser.add_argument("--keep", action="store_true", help="run to the end, keep it as a fork")


def replay(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Run requests again and say whether they say the same."""
    if corpus.is_asked(arguments):
        return corpus.replay(arguments, output, stores)
    return _one(arguments, output, stores)


def _one(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    if not arguments.requests:
        problem = "No request is named."
        raise BadInputError(problem, "Name one or more, or choose them with --where FILTER.")
    if arguments.live and not arguments.keep:
        problem = "What --live calls has really happened, so the run has to be on record."
        raise BadInputError(problem, "Add --keep, or give an answer: --stub NAME=JSON.")
    app = rerunning.app_of(arguments)
    edits = rerunning.edits_of(arguments)
    options = Options(
        version=arguments.version,
        edits=edits,
        on_divergence="fork" if arguments.keep else "stop",
        stubs=rerunning.stubs_of(arguments),
        live=arguments.live,
        trace=arguments.trace,
    )
    with stores.session(arguments.store, writable=arguments.keep) as session:
        stream = session.find(arguments.requests[0])
        events = tuple(session.store.read(stream))
        rerunning.say_live(arguments, output)
        told = run_again(Library(app, session.store), events, options, fork=session.new_request())
        if arguments.keep:
            with session.writing() as writer:
                told = keep_fork(writer, told)
    rerunning.tell(told, output)
    if told.lines:
        rerunning.print_lines(told.lines, output)
    fields = rerunning.fields_of(told)
    first = told.divergence
    cells = {
        "request": request_id(told.request),
        "recorded": _text(fields["recorded"]),
        "replayed": _text(fields["replayed"]),
        "verdict": fields["verdict"],
        "first divergence": f"#{first.index} {first.kind}" if first else "",
        "fork": fields["fork"] or "",
    }
    output.table("replay", COLUMNS, [(fields, cells)])
    return Exit.OK if first is None else Exit.DIVERGED


def _text(status: object) -> str:
    return "" if status is None else str(status)


COMMAND = Command(
    "replay",
    "run a recorded request again, by today's code or another version",
    """Run a recorded request again by the code of an app. Nothing is performed: time is virtual,
effects get their recorded answers. It says whether every fact is the same, or the first one
that differs: `kind` another sort of fact, `name` about something else, `arguments` an effect was
asked otherwise, `value` something else was written, `outcome` it ended otherwise, `extra` the
code did more, `missing` less. It ends with 1 (different) if it parts from its record.

With another --version, an edit or --keep the run goes on past a difference. Calls that the
record does not have then need an answer: --stub NAME=JSON, or --live NAME to really make them.
--keep writes the run to the store as a fork, to be looked at and compared.

Of several requests it prints a row each, and then in which ways they differ first, the most
frequent way before the others, with an example.

examples:
  timescape replay 9f31c2 --app shop:app               is it the same today?
  timescape replay 9f31c2 --app shop:app --keep        what would come of it today?
  timescape replay 9f31c2 --app shop:app --version 2026-10-01
  timescape replay 9f31c2 --app shop:app --trace       line by line, with locals
  timescape replay --where 'since:1d' --app shop:app --jobs 4
""",
    _declare,
    replay,
    (
        Exit.DIVERGED,
        Exit.NOT_FOUND,
        Exit.NOT_REPLAYABLE,
        Exit.WRITE_REFUSED,
        Exit.PARTIAL,
        Exit.INTERRUPTED,
    ),
    wants_app=True,
)
