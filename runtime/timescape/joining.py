"""Which versions a transformer joins: neighbours, named by edition or id (TX-1, TX-2). Pure."""

from runtime.errors import (
    TransformerAdjacencyError,
    TransformerError,
    TransformerImmutableError,
)
from runtime.timescape.table import HandlerRoutes, Pair
from runtime.transform_facts import TransformerRegistered

_EDITIONLESS = "the version without edition"


def join(
    routes: HandlerRoutes, fact: TransformerRegistered, *, replace: bool = False
) -> TransformerRegistered | None:
    """Return the fact that joins two versions; None: they are joined by the same code.

    Args:
        routes: of the handler, with all that is deployed.
        fact: what is wanted.
        replace: take the place of other code.

    Raises:
        TransformerError: a name stands for no version.
        TransformerAdjacencyError: there are versions between them.
        TransformerImmutableError: other code joins them, and *replace* was not said.
    """
    _check_adjacent(routes, fact.older, fact.newer)
    known = routes.pairs.get((fact.older, fact.newer))
    if known is None:
        return fact
    if (known.fingerprint, known.functions) == (fact.fingerprint, fact.functions):
        return None
    if not replace:
        raise TransformerImmutableError(
            problem=f"The transformer of {routes.handler} from {shown(fact.older)} to "
            f"{shown(fact.newer)} is not the code that was registered.",
            remedy="Callers rely on what it did. Put it back, or say replace=True.",
        )
    return TransformerRegistered(
        fact.older, fact.newer, fact.fingerprint, fact.functions, known.fingerprint
    )


def separated(before: HandlerRoutes, after: HandlerRoutes) -> Pair | None:
    """Return a transformer whose versions are neighbours *before* and not any more *after*."""
    for pair in before.pairs.values():
        if _are_adjacent(before, pair) and not _are_adjacent(after, pair):
            return pair
    return None


def _are_adjacent(routes: HandlerRoutes, pair: Pair) -> bool:
    names = _ids(routes) if pair.older.startswith("tsv:") else _editions(routes)
    known = pair.older in names and pair.newer in names
    return known and names.index(pair.newer) == names.index(pair.older) + 1


def _check_adjacent(routes: HandlerRoutes, older: str, newer: str) -> None:
    by_id = older.startswith("tsv:")
    if by_id != newer.startswith("tsv:"):
        raise TransformerError(
            problem=f"{older} and {newer} are an id and an edition.",
            remedy="Name both versions alike.",
        )
    names = _ids(routes) if by_id else _editions(routes)
    for name in (older, newer):
        if name not in names:
            there = ", ".join(shown(each) for each in names[-10:])
            raise TransformerError(
                problem=f"{routes.handler} has no version {shown(name)}.",
                remedy=f"There are: {there}.",
            )
    low, high = names.index(older), names.index(newer)
    if high <= low:
        raise TransformerError(
            problem=f"{shown(older)} is not older than {shown(newer)}.",
            remedy="Name the older version first.",
        )
    between = [shown(each) for each in names[low + 1 : high]]
    if between:
        raise TransformerAdjacencyError(
            problem=f"Between {shown(older)} and {shown(newer)} of {routes.handler} "
            f"there are {', '.join(between)}.",
            remedy="Join neighbours, each to the next.",
        )


def _ids(routes: HandlerRoutes) -> list[str]:
    return [str(version.id) for version in routes.line]


def _editions(routes: HandlerRoutes) -> list[str]:
    return list(dict.fromkeys(version.edition or "" for version in routes.line))


def shown(name: str) -> str:
    """Return what a pair names, for people."""
    return name[:80] or _EDITIONLESS
