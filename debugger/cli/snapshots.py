"""`timescape snapshots`: the moments a request named (CL-12)."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.timeline import Timeline

COLUMNS = (
    Column("name", cut=True),
    Column("id"),
    Column("#", right=True),
    Column("keys", cut=True),
)


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", metavar="REQUEST", help="id, or its last 4 digits or more")


def snapshots(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Print the snapshots of a request, oldest first."""
    with stores.session(arguments.store) as session:
        timeline = session.timeline(session.find(arguments.request))
        if not timeline.snapshots:
            output.say("It took no snapshots; `timescape restore` takes any moment too.")
            return Exit.OK
        output.table("snapshot", COLUMNS, _rows(timeline))
    return Exit.OK


def _rows(timeline: Timeline) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for name, revision in timeline.snapshots.items():
        keys = list(timeline.state_at(revision).values)
        moment_id = f"{timeline.request_id}@{revision}"
        fields = {"name": name, "id": moment_id, "revision": revision, "keys": keys}
        cells = {"name": name, "id": moment_id, "#": str(revision), "keys": " ".join(keys)}
        yield fields, cells


COMMAND = Command(
    "snapshots",
    "list the moments that a request named",
    """List the snapshots a request took: name, id, the moment, and the keys set then.

example:
  timescape snapshots 9f31c2
""",
    _declare,
    snapshots,
    (Exit.NOT_FOUND,),
)
