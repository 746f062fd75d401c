"""`timescape versions drain`: what still holds a version (SO-5)."""

import argparse
import os

from debugger.cli.command import Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import iso
from debugger.cli.output import Column, Output
from debugger.session import Session
from debugger.session.draining import Hold, holds, running
from debugger.session.routing import app_with, apps
from runtime.control.usage import keeps_keys
from runtime.errors import VersionProtectedError
from runtime.timescape import VersionId
from runtime.timescape.finding import version_of

HOLDS = (
    Column("version"), Column("held by"), Column("of", cut=True), Column("count", right=True),
    Column("since"), Column("node"),
)  # fmt: skip


def drain(names: list[str], arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """List what holds a version, or all versions."""
    with stores.session(arguments.store) as session:
        known = apps(session)
        if names:
            known = [app_with(known, VersionId.parse(names[0]).handler)]
            version_of(known[0].table, names[0])
        found = holds(session, known, session.sources[0]())
    if arguments.admin:
        found += _served(arguments.admin)
    shown = [each for each in found if not names or each.version == names[0]]
    if not shown:
        output.say(f"Nothing holds {names[0] if names else 'any version'}.")
    if shown or output.as_json:
        output.table("hold", HOLDS, [_row(each) for each in shown])
    return Exit.OK


def refuse_busy(session: Session, version: str) -> None:
    """Refuse to take *version* out of service while requests of it run, as far as the log knows.

    So while callers may repeat one with its idempotency key: they would not get its answer.

    Raises:
        VersionProtectedError: says what holds it.
    """
    found = [each for each in running(session.store) if each.version == version]
    if found:
        first = found[0]
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise VersionProtectedError(
            problem=f"{version} stays in service: {first.by} {first.of} holds it{more}.",
            remedy="`timescape versions drain` lists what does. Wait, or add --force.",
        )
    if keeps_keys(session.store, version, session.sources[0]()):
        raise VersionProtectedError(
            problem=f"{version} stays in service: idempotency keys that callers sent it are kept.",
            remedy="Wait for a day after the last of them, or add --force.",
        )


def _served(address: str) -> list[Hold]:
    # It needs a client of HTTP, which takes long to load.
    from debugger.cli.asking_admin import serving  # noqa: PLC0415

    token = os.environ.get("TIMESCAPE_ADMIN_TOKEN") or None
    return [Hold(version, "process", address) for version in serving(address, token)]


def _row(hold: Hold) -> tuple[dict[str, object], dict[str, object]]:
    since = None if hold.since_us is None else iso(hold.since_us)
    fields: dict[str, object] = {
        "version": hold.version, "by": hold.by, "of": hold.of, "count": hold.count,
        "since": since, "node": hold.node or None,
    }  # fmt: skip
    return fields, {
        "version": hold.version, "held by": hold.by, "of": hold.of, "count": str(hold.count),
        "since": "" if since is None else since[:19] + "Z", "node": hold.node,
    }  # fmt: skip
