"""`timescape db`: the tables of a store (AL-1)."""

import argparse

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.opening import check_url
from debugger.cli.output import Column, Output

COLUMNS = (Column("store"), Column("revision"), Column("newest"), Column("state"))
STEPS = (Column("revision"), Column("applied"), Column("about"))
_REMEDIES = {
    "behind": "`timescape db upgrade` brings it up to date.",
    "newer": "A newer Timescape made it: install that one.",
    "drifted": "Its tables are not what the migrations make; see the lines above.",
}
_EXITS = {"current": Exit.OK, "newer": Exit.UNAVAILABLE}


def _declare(parser: argparse.ArgumentParser) -> None:
    actions = ("current", "check", "upgrade", "history", "sql")
    parser.add_argument("action", choices=actions, help="see above")
    parser.add_argument(
        "--no-backup", action="store_true", help="upgrade: do not keep the store as it was"
    )


def db(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Show, check or upgrade the tables of a store."""
    check_url(arguments.store)
    match arguments.action:
        case "current":
            return _current(arguments.store, output)
        case "check":
            return _check(arguments.store, output)
        case "history":
            return _history(arguments.store, output)
        case "sql":
            return _sql(arguments.store, output)
        case _:
            return _upgrade(arguments.store, output, backup=not arguments.no_backup)


def _current(url: str, output: Output) -> Exit:
    from eventstore import sql  # noqa: PLC0415 - no other command needs it for this

    revision = sql.current(url)
    fields = {"store": url, "revision": revision}
    output.table("schema", COLUMNS[:2], [(fields, fields)])
    return Exit.OK


def _check(url: str, output: Output) -> Exit:
    from eventstore import sql  # noqa: PLC0415

    checked = sql.check(url)
    cells = {
        "store": url,
        "revision": checked.revision,
        "newest": checked.expected,
        "state": checked.state,
    }
    output.table("schema", COLUMNS, [({**cells, "drift": list(checked.drift)}, cells)])
    for line in checked.drift:
        output.say(line)
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
        output.record("sql", {"store": url, "sql": statements})
    else:
        output.line(statements.strip())
    return Exit.OK


def _upgrade(url: str, output: Output, *, backup: bool) -> Exit:
    from eventstore import sql  # noqa: PLC0415
    from runtime.effects import SystemIds, system_clock  # noqa: PLC0415

    done = sql.upgrade(url, clock=system_clock, ids=SystemIds(), backup=backup)
    fields = {"store": url, "before": done.before, "revision": done.after, "backup": done.backup}
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


COMMAND = Command(
    "db",
    "show, check or upgrade the tables of a store",
    """Look after the tables of a store.

  current   print the revision of its tables
  check     compare them with what the migrations make; ends with 1 if they are behind or differ,
            with 6 if a newer Timescape made them
  upgrade   bring them up to date; makes the store if there is none. A store that is changed
            is kept as it was, in <file>.before-<revision>, unless --no-backup
  history   list all revisions, oldest first, and which of them the store has
  sql       print the SQL that upgrade would run, to read or run by hand

examples:
  timescape db check
  timescape db upgrade --store sqlite:///shop.db
  timescape db sql --store sqlite:///shop.db > upgrade.sql
""",
    _declare,
    db,
    (Exit.DIFFERENT,),
)
