"""`timescape erase`: destroy a person's key: what is sealed for them is forgotten (EN-3)."""

import argparse
from collections.abc import Callable

from debugger.cli.command import Command, Stores
from debugger.cli.confirming import confirmed, typed_line
from debugger.cli.exits import Exit
from debugger.cli.keyrings import add_keyring, keyring_file
from debugger.cli.output import Column, Output
from debugger.cli.restore import user
from eventstore import Erasure
from eventstore.keyring import keyring_missing

COLUMNS = (
    Column("keys destroyed", right=True), Column("gone"), Column("copies", right=True),
    Column("told at", right=True),
)  # fmt: skip
_WORD = "erase"


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", metavar="SUBJECT", help="whose: what the marked field holds")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="kept in the log")
    parser.add_argument("--by", default="", metavar="NAME", help="who asks (default: your login)")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_keyring(parser)


def erase(
    arguments: argparse.Namespace,
    output: Output,
    stores: Stores,
    *,
    answer: Callable[[], str | None] = typed_line,
) -> Exit:
    """Destroy a subject's key, once it is confirmed."""
    keyring = keyring_file(arguments)
    if keyring is None:
        who = "To erase somebody one"
        raise keyring_missing(who)
    output.say("Everything that is sealed for this subject becomes unreadable, in every request.")
    output.say("This cannot be undone: nobody can make the key again.")
    if not arguments.yes and not confirmed(_WORD, output, answer):
        output.say("Nobody was erased.")
        return Exit.WRITE_REFUSED
    with stores.session(arguments.store, writable=True, keyring=keyring) as session:
        done = session.erase(arguments.subject, by=arguments.by or user(), reason=arguments.reason)
    fields = {
        "position": done.position, "keys": done.keys, "gone": done.gone,
        "copies": list(done.copies),
    }  # fmt: skip
    cells = {
        "keys destroyed": str(done.keys), "gone": "yes" if done.gone else "not yet",
        "copies": str(len(done.copies)), "told at": str(done.position),
    }  # fmt: skip
    output.table("erasure", COLUMNS, [(fields, cells)])
    _say_done(done, output)
    return Exit.OK


def _say_done(done: Erasure, output: Output) -> None:
    if done.gone:
        output.say("No file of the store holds the key any more.")
    else:
        output.say(
            "The key is out of the table. In SQLite a reader still looks at the old page: it leaves"
            " the files at the next checkpoint, when the server stops at the latest. In PostgreSQL"
            " it leaves the write-ahead log as the server uses that again."
        )
    for copy in done.copies:
        output.say(f"{copy} still holds it: delete that file, or erase in it, too.")
    output.say(
        "Backups made before are beyond this command: with one of them and the master the values"
        " can still be read."
    )


COMMAND = Command(
    "erase",
    "destroy a person's key: what is sealed for them is forgotten",
    """Destroy the key of one subject. Values of fields marked `sensitive(subject="customer")` are
sealed under the key of the subject that the field `customer` names; without it they are <forgotten>
in every request, and in every copy of its facts. Facts, hashes, chain and seals stay as they are,
and that it was done, by whom and why, is itself in the log, without the subject's name. It works
while a server writes the store; should the person come back, they get a new key.

It cannot reach what was never sealed: the field that names the subject, and what code wrote down
as plain text. Look for that with `timescape search`, and take it out with `timescape redact`. Nor
can it reach backups made before: they hold the key. It asks first; without a terminal it needs
--yes.

examples:
  timescape erase customer-4711 --reason "asked for on 3 May" --keyring master.key
  timescape erase ann@example.com --reason "request 12" --by dpo --yes --json
""",
    _declare,
    erase,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED, Exit.CORRUPT),
)
