"""`timescape db schemas`, `resume`, `undo`, `down`: schemas of databases that handlers need."""

import argparse
from collections.abc import Callable

from debugger.cli.command import Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.cli.restore import user
from debugger.errors import BadInputError
from debugger.session.routing import apps
from runtime.app import load_app
from runtime.app.schemas import Schemas
from runtime.timescape.schemas import users_of

SCHEMAS = (Column("schema"), Column("state"), Column("versions", cut=True))
_DOES: dict[str, Callable[[Schemas, str], None]] = {
    "resume": Schemas.resume,
    "undo": Schemas.undo,
    "down": Schemas.roll_back,
}
_SAYS = {"resume": "is applied", "undo": "is undone", "down": "is rolled back"}


def run(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """List schemas, or change one."""
    if arguments.action == "schemas":
        return _list(output, stores, arguments.store)
    if not arguments.schema or not arguments.app:
        raise BadInputError(
            problem=f"{arguments.action} needs a schema and the app that has its steps.",
            remedy=f"Write `timescape db {arguments.action} orders@2 --app module:app`.",
        )
    app = load_app(arguments.app)
    with (
        stores.session(arguments.store, writable=True) as session,
        session.writing() as store,
    ):
        schemas = app.schemas_in(store, session.sources[0], user())
        _DOES[arguments.action](schemas, arguments.schema)
    output.say(f"{arguments.schema} {_SAYS[arguments.action]}.")
    return Exit.OK


def _list(output: Output, stores: Stores, store_url: str) -> Exit:
    rows = []
    with stores.session(store_url) as session:
        for app in apps(session):
            for name, state in sorted(app.table.schemas.items()):
                users = users_of(app.table, name)
                fields = {"schema": name, "state": state, "versions": users}
                rows.append((fields, {**fields, "versions": " ".join(users)}))
    if not rows:
        output.say("No handler has needed a schema.")
    if rows or output.as_json:
        output.table("schema", SCHEMAS, rows)
    return Exit.OK
