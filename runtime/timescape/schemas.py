"""Database schemas of versions: who uses which, and which go together (DB-1, DB-3, DB-4). Pure."""

import re
from collections.abc import Mapping
from typing import Final

from runtime.errors import SchemaError, SchemaIncompatible, SchemaInUse, SchemaOpenError
from runtime.timescape.table import RouteTable

APPLIED: Final = "applied"
OPEN: Final = frozenset({"open", "rolling back"})
"""Being changed, or left between two schemas."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}@[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


def check_schema(text: str) -> str:
    """Return *text*, the name of a schema.

    Raises:
        SchemaError: it is none.
    """
    if not _NAME.fullmatch(text):
        raise SchemaError(
            problem=f"{text[:80]!r} names no schema.",
            remedy="Write database@version, such as orders@2.",
        )
    return text


def database_of(schema: str) -> str:
    """Return the name of its database."""
    return schema.partition("@")[0]


def users_of(table: RouteTable, schema: str) -> list[str]:
    """Give the ids of the active versions that need *schema*."""
    return [
        str(version.id)
        for routes in table
        for version in routes.line
        if version.schema == schema and routes.is_active(str(version.id))
    ]


def refuse_open(table: RouteTable, schema: str) -> None:
    """Refuse to touch a database that is between two schemas.

    Raises:
        SchemaOpenError: it is.
    """
    for other, status in table.schemas.items():
        if status in OPEN and database_of(other) == database_of(schema):
            raise SchemaOpenError(
                problem=f"{other} is being changed, or was left half done by a crash.",
                remedy=f"Wait, or `timescape db resume {other}`, or `timescape db undo {other}`.",
            )


def refuse_incompatible(
    table: RouteTable, schema: str, wanted: Mapping[str, frozenset[str]]
) -> None:
    """Refuse a schema that does not go with one that active versions need.

    Args:
        table: as it is.
        schema: that a version is to need.
        wanted: the schemas of the app, each with those it is compatible with.

    Raises:
        SchemaIncompatible: names the other schema, and who needs it.
    """
    needed = {v.schema for routes in table for v in routes.line if v.schema is not None}
    for other in sorted({*needed, *wanted}):
        if other == schema or database_of(other) != database_of(schema):
            continue
        if other in wanted.get(schema, ()) or schema in wanted.get(other, ()):
            continue
        users = users_of(table, other)
        if users or other in wanted:
            who = ", ".join(users) or "another version of this app"
            raise SchemaIncompatible(
                problem=f"{schema} is not compatible with {other}, which {who} needs.",
                remedy="Say compatible_with=…, or deactivate those versions first.",
            )


def refuse_used(table: RouteTable, schema: str) -> None:
    """Refuse to take away what active versions need.

    Raises:
        SchemaInUse: names them.
    """
    users = users_of(table, schema)
    if users:
        raise SchemaInUse(
            problem=f"{schema} is needed by {', '.join(users)}.",
            remedy="Deactivate them first: `timescape versions deactivate TSV`.",
        )
