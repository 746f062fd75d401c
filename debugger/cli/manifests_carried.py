"""`timescape manifest export` and `import`: what a log keeps of manifests, as a file (MS-6)."""

import argparse
from pathlib import Path

from debugger.cli.command import Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.errors import BadInputError, NotFoundError
from debugger.exports.files import write_file
from debugger.session import Session
from debugger.session.control import control_streams
from eventstore import StreamId
from runtime.control import (
    control_stream,
    export_manifests,
    import_manifests,
    read_manifests,
)
from runtime.manifests.carrying import read_bundle

ACTIONS = ("export", "import")
COUNTS = tuple(
    Column(name, right=True)
    for name in ("handlers", "versions", "types", "modules", "transformers")
)


def carry(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Write the manifests of an app to a file, or take them from one."""
    if arguments.file is None:
        problem = f"{arguments.app} takes a file."
        raise BadInputError(
            problem, f"Write `timescape manifest {arguments.app} shop.manifests.json`."
        )
    path = Path(arguments.file)
    if arguments.app == "export":
        return _export(path, arguments, output, stores)
    return _import(path, arguments, output, stores)


def _export(path: Path, arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    with stores.session(arguments.store) as session:
        stream = _stream(session, arguments.of)
        write_file(path, export_manifests(session.store, stream), force=arguments.force)
        _tell(session, stream, output)
    output.say(f"{path} holds them, each under its digest.")
    return Exit.OK


def _import(path: Path, arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    try:
        bundle = read_bundle(path.read_bytes())
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror or error}."
        raise BadInputError(problem, "Give what `timescape manifest export` wrote.") from error
    with stores.session(arguments.store, writable=True) as session:
        with session.writing() as store:
            count = import_manifests(store, bundle)
        _tell(session, StreamId(bundle.of_stream), output)
    output.say(f"{count} facts were appended." if count else "Nothing of it is new.")
    return Exit.OK


def _stream(session: Session, app: str | None) -> StreamId:
    """Return the control stream of an app; without a name there may be but one.

    Raises:
        NotFoundError: there is no such app, or several and no name.
    """
    known = control_streams(session)
    if app is None:
        if len(known) == 1:
            return known[0]
        problem = f"The store tells of {len(known) or 'no'} apps."
        remedy = "Name one: --of shop." if known else "`timescape serve` deploys one."
        raise NotFoundError(problem, remedy)
    stream = control_stream(app)
    if stream not in known:
        problem = f"The store does not tell of an app {app!r}."
        raise NotFoundError(problem, 'It is the name given to `App("…")`.')
    return stream


def _tell(session: Session, stream: StreamId, output: Output) -> None:
    counts = read_manifests(session.store, stream).counts
    fields = {column.name: getattr(counts, column.name) for column in COUNTS}
    cells = {name: str(count) for name, count in fields.items()}
    output.table("manifests", COUNTS, [(fields, cells)])
