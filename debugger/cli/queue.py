"""`timescape queue`: what subscribers have before them, and what they gave up (QF-15)."""

import argparse
from collections.abc import Callable, Mapping

from msgspec import to_builtins

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import iso
from debugger.cli.output import Column, Output
from debugger.cli.restore import user
from debugger.errors import BadInputError
from debugger.session import Session, queues

COLUMNS = (
    Column("subscriber"),
    Column("topic", cut=True),
    Column("state"),
    Column("queued", right=True),
    Column("running", right=True),
    Column("waiting", right=True),
    Column("oldest"),
    Column("done", right=True),
    Column("expired", right=True),
    Column("dead", right=True),
)
LETTERS = (
    Column("id"),
    Column("subscriber"),
    Column("topic", cut=True),
    Column("since"),
    Column("attempts", right=True),
    Column("reason"),
    Column("error", cut=True),
)
_ACTIONS = ("dead", "retry", "drop", "pause", "resume", "close")

_STATES: Mapping[str, Callable[..., bool]] = {
    "pause": queues.pause, "resume": queues.resume, "close": queues.close,
}  # fmt: skip


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", metavar="TOPIC|ACTION", nargs="?", help=f"a topic, or {', '.join(_ACTIONS)}"
    )
    parser.add_argument(
        "of", metavar="OF", nargs="?", help="the action's message, subscriber or topic"
    )
    parser.add_argument("--subscriber", metavar="NAME", help="whose message, if several have it")
    parser.add_argument("--by", default="", metavar="NAME", help="who asks (default: your login)")


def queue(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Show queues and dead letters, or change them."""
    what, of = arguments.what, arguments.of
    if what in _ACTIONS[1:] and of is None:
        raise BadInputError(*_of_what(what))
    if what not in _ACTIONS and of is not None:
        problem = f"{what[:80]!r} is no action."
        raise BadInputError(problem, f"There are: {', '.join(_ACTIONS)}.")
    with stores.session(arguments.store, writable=what in _ACTIONS[1:]) as session:
        if what == "dead":
            _show_dead(session, of, output)
        elif what in _ACTIONS:
            _change(session, arguments, output)
        else:
            _show(session, what, output)
    return Exit.OK


def _of_what(action: str) -> tuple[str, str]:
    """Say what *action* is not told, and where that stands."""
    if action in _STATES:
        return f"`queue {action}` needs a subscriber.", "`timescape queue` lists them."
    return f"`queue {action}` needs the id of a message.", "`timescape queue dead` lists them."


def _show(session: Session, topic: str | None, output: Output) -> None:
    rows = []
    for line in queues.lines(session, topic):
        counts = line.counts
        oldest = None if line.oldest_us is None else iso(line.oldest_us)
        fields = {**to_builtins(line), "oldest": oldest}
        fields.pop("oldest_us")
        cells = {
            **fields,
            "queued": line.depth,
            "done": counts.acknowledged,
            "expired": counts.expired,
            "dead": counts.dead,
        }
        rows.append((fields, cells))
    if not rows:
        output.say("Nobody subscribes to anything in this store.")
        return
    output.table("subscriber", COLUMNS, rows)


def _show_dead(session: Session, topic: str | None, output: Output) -> None:
    rows = []
    for letter in queues.dead(session, topic):
        fields = {**to_builtins(letter), "since": iso(letter.at_us)}
        fields.pop("at_us")
        rows.append((fields, {**fields, "error": letter.message or letter.error}))
    if not rows:
        output.say("There are no dead letters.")
        return
    output.table("dead-letter", LETTERS, rows)


def _change(session: Session, arguments: argparse.Namespace, output: Output) -> None:
    what, of, by = arguments.what, arguments.of, arguments.by or user()
    if what in _STATES:
        done = _STATES[what](session, of, by=by)
        output.say(f"{of} is {'' if done else 'already '}{what}d.")
        return
    act = queues.retry if what == "retry" else queues.drop
    for name in act(session, of, arguments.subscriber, by=by):
        verb = "tries it again" if what == "retry" else "will not get it"
        output.say(f"{name} {verb}: {of}")


COMMAND = Command(
    "queue",
    "look at queues and dead letters, and change them",
    """Show what subscribers have before them, topic by topic: queued, of those being worked on
and waiting for another attempt, and what became of the rest. `queue dead` lists the messages that
were given up. Each change is a fact in the log; a server that runs on the store follows within a
second. A message that was retried has fresh attempts, under the id it had.

examples:
  timescape queue                      all subscribers
  timescape queue orders.placed --json
  timescape queue dead                 what was given up, and why
  timescape queue retry ID             once its cause is gone
  timescape queue drop ID --subscriber mailer
  timescape queue pause mailer         its messages are kept
  timescape queue resume mailer
  timescape queue close mailer         its code is gone: it gets no more messages
""",
    _declare,
    queue,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
)
