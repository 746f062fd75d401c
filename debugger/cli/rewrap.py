"""`timescape rewrap`: change the master that persons' keys are wrapped by (EN-1)."""

import argparse
from functools import partial

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.keyrings import add_keyring, keyring_file
from debugger.cli.output import Column, Output
from eventstore.keyring import keyring_missing, name_of

COLUMNS = (Column("master"), Column("keys", right=True))


def rewrap(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Wrap all keys by the newest master."""
    file = keyring_file(arguments)
    if file is None:
        who = "To change the master one"
        raise keyring_missing(who)
    from eventstore import sql  # noqa: PLC0415 - `timescape --help` loads no database

    newest = sql.read_keyring(file).newest
    with stores.session(arguments.store, writable=True, keyring=file) as session:
        keys = session.rewrap(newest, partial(output.progress, "wrapped"))
    name = name_of(newest)
    fields = {"master": name, "keys": keys}
    output.table("rewrapping", COLUMNS, [(fields, {"master": name, "keys": str(keys)})])
    output.say(
        "All keys are wrapped by the last master of the file; the ones above it can be taken out."
    )
    return Exit.OK


COMMAND = Command(
    "rewrap",
    "change the master that persons' keys are wrapped by",
    """Wrap every key by the last master of the keyring file. The steps, without a pause:

  1. add a line to the file: openssl rand -hex 32 >> master.key
  2. restart the server, so that it knows both masters
  3. timescape rewrap
  4. take the old line out of the file, and destroy it where else you keep it

It goes a hundred keys a transaction beside a running server; interrupted, run it again: it goes
on where it stopped. Values are not touched: they stay sealed under the same keys. It is told in
the log. A backup made before needs the old master.

examples:
  timescape rewrap --keyring /etc/shop/master.key
  timescape rewrap --store sqlite:///shop.db --json
""",
    add_keyring,
    rewrap,
    (Exit.WRITE_REFUSED, Exit.CORRUPT),
)
