"""Which versions code is generated from, and what tells whether it is up to date (CG-1, CG-2)."""

from collections.abc import Iterable, Sequence

from runtime.errors import GenerateError, NothingSelectedError
from runtime.manifests import HandlerManifest
from runtime.manifests.handler import digest_of
from runtime.timescape.version_ids import is_edition


def select(
    manifests: Iterable[HandlerManifest], at: str | None = None
) -> tuple[HandlerManifest, ...]:
    """Choose one version of each handler, as a caller would get it; sorted by handler.

    Args:
        manifests: of all versions.
        at: an edition: the last version that is not newer; None: the newest.

    Raises:
        GenerateError: *at* is no edition.
        NothingSelectedError: nothing is that old.
    """
    if at is not None and not is_edition(at):
        raise GenerateError(
            problem=f"--at {at[:80]!r} is no edition.",
            remedy="Write YYYY-MM-DD. What a tag points to is known to a store only.",
        )
    chosen: dict[str, HandlerManifest] = {}
    for each in sorted(manifests, key=lambda each: (each.handler, each.version or "")):
        if at is None or (each.version or "") <= at:
            chosen[each.handler] = each
    if not chosen:
        when = "" if at is None else f" at {at}"
        raise NothingSelectedError(
            problem=f"There is no handler{when}.", remedy="`timescape manifest` lists them."
        )
    return tuple(chosen.values())


def digest(chosen: Sequence[HandlerManifest]) -> str:
    """Give the digest of all that generated code depends on: contracts and documentation.

    Code that changes without its contract leaves generated files as they are.
    """
    return digest_of(
        [(each.handler, each.version, each.contract, each.doc, each.query, each.body,
          each.answers) for each in chosen]
    )  # fmt: skip
