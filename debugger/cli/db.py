"""`timescape db`: the tables of a store (AL-1)."""

import argparse

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.opening import check_url, without_password
from debugger.cli.output import Column, Output, counted

COLUMNS = (Column("store"), Column("revision"), Column("newest"), Column("state"))
STEPS = (Column("revision"), Column("applied"), Column("about"))
MADE = (Column("store"), Column("partitions"))
ACTIONS = ("current", "check", "upgrade", "maintain", "history", "sql")
OF_APPS = ("schemas", "resume", "undo", "down")
_REMEDIES = {
    "behind": "`timescape db upgrade` brings it up to date.",
    "newer": "A newer Timescape made it: install that one.",
    "drifted": "Its tables are not what the migrations make; see the lines above.",
}
_EXITS = {"current": Exit.OK, "newer": Exit.UNAVAILABLE}


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        metavar="ACTION",
        choices=(*ACTIONS, *OF_APPS),
        help=", ".join((*ACTIONS, *OF_APPS)),
    )
    parser.add_argument("schema", nargs="?", metavar="SCHEMA", help="resume, undo, down: orders@2")
    parser.add_argument(
        "--app", metavar="MODULE:APP", help="resume, undo, down (default: $TIMESCAPE_APP)"
    )
    parser.add_argument(
        "--no-backup", action="store_true", help="upgrade: do not keep the store as it was"
    )


def db(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Look after the tables of a store."""
    check_url(arguments.store)
    if arguments.action in OF_APPS:
        from debugger.cli import db_schemas  # noqa: PLC0415 - it looks into apps

        return db_schemas.run(arguments, output, stores)
    return _tables(arguments, output)


def _tables(arguments: argparse.Namespace, output: Output) -> Exit:
    match arguments.action:
        case "current":
            return _current(arguments.store, output)
        case "check":
            return _check(arguments.store, output)
        case "maintain":
            return _maintain(arguments.store, output)
        case "history":
            return _history(arguments.store, output)
        case "sql":
            return _sql(arguments.store, output)
        case _:
            return _upgrade(arguments.store, output, backup=not arguments.no_backup)


def _current(url: str, output: Output) -> Exit:
    from eventstore import sql  # noqa: PLC0415 - no other command needs it for this

    revision = sql.current(url)
    fields = {"store": without_password(url), "revision": revision}
    output.table("schema", COLUMNS[:2], [(fields, fields)])
    return Exit.OK


def _check(url: str, output: Output) -> Exit:
    from eventstore import sql  # noqa: PLC0415
    from runtime.effects import system_clock  # noqa: PLC0415

    checked = sql.check(url, clock=system_clock)
    cells = {
        "store": without_password(url),
        "revision": checked.revision,
        "newest": checked.expected,
        "state": checked.state,
    }
    more = {"drift": list(checked.drift), "warnings": list(checked.warnings)}
    output.table("schema", COLUMNS, [({**cells, **more}, cells)])
    for line in checked.drift:
        output.say(line)
    for warning in checked.warnings:
        output.say(f"{warning} `timescape db maintain` looks after it.")
    if checked.state in _REMEDIES:
        output.say(_REMEDIES[checked.state])
    return _EXITS.get(checked.state, Exit.DIFFERENT)


def _history(url: str, output: Output) -> Exit:
    from eventstore import sql  # noqa: PLC0415

    rows = []
    for step in sql.history(url):
        fields = {"revision": step.revision, "applied": step.applied, "about": step.about}
        rows.append((fields, {**fields, "applied": "yes" if step.applied else "no"}))
    output.table("step", STEPS, rows)
    return Exit.OK


def _sql(url: str, output: Output) -> Exit:
    from eventstore import sql  # noqa: PLC0415

    statements = sql.sql(url)
    if output.as_json:
        output.record("sql", {"store": without_password(url), "sql": statements})
    else:
        output.line(statements.strip())
    return Exit.OK


def _upgrade(url: str, output: Output, *, backup: bool) -> Exit:
    from eventstore import sql  # noqa: PLC0415
    from runtime.effects import SystemIds, system_clock  # noqa: PLC0415

    done = sql.upgrade(url, clock=system_clock, ids=SystemIds(), backup=backup)
    shown = without_password(url)
    fields = {"store": shown, "before": done.before, "revision": done.after, "backup": done.backup}
    output.table("schema", COLUMNS[:2], [(fields, fields)])
    if done.before is None:
        output.say("It was made anew.")
    elif done.before == done.after:
        output.say("It was up to date.")
    else:
        output.say(f"Upgraded from {done.before}.")
        if done.backup is not None:
            output.say(f"As it was before: {done.backup}")
    return Exit.OK


def _maintain(url: str, output: Output) -> Exit:
    from eventstore import sql  # noqa: PLC0415
    from runtime.effects import system_clock  # noqa: PLC0415

    made = sql.maintain(url, clock=system_clock)
    shown = without_password(url)
    cells = {"store": shown, "partitions": ", ".join(made)}
    output.table("maintained", MADE, [({"store": shown, "partitions": made}, cells)])
    output.say(f"Made {counted(len(made), 'partition')}." if made else "There was nothing to do.")
    return Exit.OK


COMMAND = Command(
    "db",
    "look after the tables of a store",
    """Look after the tables of a store.

  current   print the revision of its tables
  check     compare them with what the migrations make; ends with 1 if they are behind or differ,
            with 6 if a newer Timescape made them
  upgrade   bring them up to date; makes the SQLite file if there is none, and in PostgreSQL the
            tables and the partitions for the next six months. A file that is changed is kept as
            it was, in <file>.before-<revision>, unless --no-backup
  maintain  make the partitions that PostgreSQL needs for the next six months: once a month
  history   list all revisions, oldest first, and which of them the store has
  sql       print the SQL that upgrade would run, to read or run by hand

Handlers may need a schema of another database (`app.schema`). Of those:

  schemas   list them: applied, open while they change or after a crash, absent; and who needs them
  resume    go on with a SCHEMA that a crash left open; steps that were done are gone again
  undo      give it up: undo its steps
  down      take a SCHEMA away that no active version needs
            These need the app that has the steps: --app module:app

examples:
  timescape db check
  timescape db upgrade --store sqlite:///shop.db
  timescape db sql --store sqlite:///shop.db > upgrade.sql
  timescape db upgrade --store postgresql://shop@localhost/shop
""",
    _declare,
    db,
    (Exit.DIFFERENT, Exit.NOT_FOUND, Exit.WRITE_REFUSED, Exit.APP_ERROR),
    wants_app=True,
)
