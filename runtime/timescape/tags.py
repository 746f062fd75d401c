"""Tags: what they may be called, and how they move (TG-1 to TG-3). Pure."""

from collections.abc import Collection
from typing import Final

from runtime.errors import TagConflictError, TagNameError
from runtime.timescape.selectors import is_tag
from runtime.timescape.table import HandlerRoutes, Version
from runtime.version_facts import VersionTagged, VersionUntagged

RESERVED = frozenset({"latest", "none", "null", "true", "false", "now"})
ANYWHERE: Final = "*"
"""As *expected*: wherever the tag points, or nowhere."""


def check_tag(name: str, others: Collection[str]) -> None:
    """Refuse what cannot be the name of a tag.

    Raises:
        TagNameError: its form, a word that means something else, or one of *others* in
            other letters.
    """
    if not is_tag(name):
        raise TagNameError(
            problem=f"{name[:80]!a} cannot be a tag.",
            remedy="Use a letter, then up to 62 letters, digits, dots, - and _.",
        )
    if name.lower() in RESERVED:
        raise TagNameError(
            problem=f"{name!r} means something else.", remedy="Choose another name for the tag."
        )
    for other in others:
        if other != name and other.lower() == name.lower():
            raise TagNameError(
                problem=f"The tag {name!r} would differ from {other!r} by case alone.",
                remedy=f"Use {other!r}, or another name.",
            )


def tag(
    routes: HandlerRoutes, name: str, version: Version, *, expected: str | None, by: str
) -> tuple[str, VersionTagged] | None:
    """Return key and fact of a tag that is to point to *version*; None: it does already.

    Args:
        routes: of the handler.
        name: of the tag.
        version: a version of that handler.
        expected: the id it must point to now; None: it must not be there; `ANYWHERE`.
        by: who moves it.

    Raises:
        TagNameError: no name for a tag.
        TagConflictError: it is not where it was expected.
    """
    check_tag(name, routes.tags_now)
    now = routes.tagged(name)
    if expected not in (ANYWHERE, now):
        raise _conflict(routes.handler, name, expected, now)
    if now == str(version.id):
        return None
    return str(version.id), VersionTagged(name, now, by)


def untag(routes: HandlerRoutes, name: str, *, by: str) -> tuple[str, VersionUntagged] | None:
    """Return key and fact of a tag that is to go; None: it is not there."""
    now = routes.tagged(name)
    return None if now is None else (now, VersionUntagged(name, by))


def _conflict(handler: str, name: str, expected: str | None, now: str | None) -> TagConflictError:
    where = "is not there" if now is None else f"points to {now}"
    wanted = "it was expected not to be there" if expected is None else f"not to {expected}"
    return TagConflictError(
        problem=f"The tag {name!r} of {handler} {where}, {wanted}.",
        remedy="Look where it points now, decide again, then move it (`--move`).",
    )
