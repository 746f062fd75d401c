"""Find handlers and versions by name; unknown names are answered with the nearest. Pure."""

import difflib

from runtime.errors import VersionDeactivated, VersionNotFound
from runtime.timescape.resolve import Refusal, meaning
from runtime.timescape.selectors import Selector
from runtime.timescape.table import HandlerRoutes, RouteTable, Version
from runtime.timescape.version_ids import VersionId


def handler_of(table: RouteTable, name: str) -> HandlerRoutes:
    """Return the routes of handler *name*.

    Raises:
        VersionNotFound: there is none; the remedy names the nearest.
    """
    routes = table.handlers.get(name)
    if routes is not None:
        return routes
    raise VersionNotFound(
        problem=f"There is no handler {name[:80]!r}.", remedy=_near(name, list(table.handlers))
    )


def version_of(table: RouteTable, text: str) -> tuple[HandlerRoutes, Version]:
    """Return the version with the id *text*, and its handler.

    Raises:
        VersionFormatError: *text* is no id.
        VersionNotFound: there is no such version.
    """
    routes = handler_of(table, VersionId.parse(text).handler)
    version = routes.versions.get(text)
    if version is None:
        raise VersionNotFound(
            problem=f"{routes.handler} has no version {text}.",
            remedy=_near(text, list(routes.versions)),
        )
    return routes, version


def active_version_of(table: RouteTable, text: str) -> tuple[HandlerRoutes, Version]:
    """Return the version with the id *text* that is in service, and its handler.

    Raises:
        VersionFormatError: *text* is no id.
        VersionNotFound: there is no such version.
        VersionDeactivated: it is not served any more.
    """
    routes, version = version_of(table, text)
    if not routes.is_active(text):
        raise VersionDeactivated(
            problem=f"{text} is deactivated.", remedy="Reactivate it first, or name another."
        )
    return routes, version


def id_named(routes: HandlerRoutes, text: str, now_us: int) -> str:
    """Return the id of what *text* selects: an id, edition, tag or instant.

    Raises:
        VersionNotFound: it selects nothing of this handler.
    """
    answer = meaning(routes, Selector("query", "version", text), now_us)
    if isinstance(answer, Refusal):
        remedy = _near(text, list(routes.versions)) if text.startswith("tsv:") else answer.remedy
        raise VersionNotFound(problem=answer.detail, remedy=remedy)
    return str(answer.version.id)


def _near(name: str, there: list[str]) -> str:
    near = difflib.get_close_matches(name, there, n=3, cutoff=0.4)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"There are: {', '.join(there[:10])}." if there else "Nothing is deployed yet."
