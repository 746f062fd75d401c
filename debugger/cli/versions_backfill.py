"""`timescape versions backfill`: deploy versions as of a time that has passed (TS-7)."""

import argparse

from debugger.cli.command import Stores
from debugger.cli.exits import Exit
from debugger.cli.manifest import load
from debugger.cli.output import Output
from debugger.cli.versions_of import tell, who


def backfill(target: str, arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Append the versions of an app that say `backfill=True`, and nothing else."""
    app = load(target, output)
    if app is None:
        return Exit.APP_ERROR
    dry, by = arguments.dry_run, who(arguments)
    with stores.session(arguments.store, writable=True) as session:
        clock, _ = session.sources
        if dry:
            changed = app.backfill(session.store, by=by, clock=clock, dry_run=True)
        else:
            with session.writing() as store:
                changed = app.backfill(store, by=by, clock=clock)
    nothing = f"{target} has no version to back-date that the log does not know."
    tell(changed, output, dry_run=dry, nothing=nothing)
    return Exit.OK
