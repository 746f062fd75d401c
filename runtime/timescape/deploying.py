"""What a deployment is called, and where it stands (TS-1, TS-3)."""

from collections.abc import Collection

from runtime.timescape.table import HandlerRoutes, Version
from runtime.timescape.version_ids import VersionId
from runtime.version_facts import HandlerDeployed


def is_needed(routes: HandlerRoutes | None, edition: str | None, fingerprint: str) -> bool:
    """Say whether code with *fingerprint* is new for its handler and edition."""
    last = routes.last_of(edition) if routes else None
    return last is None or last.fingerprint != fingerprint


def known_as(
    routes: HandlerRoutes | None,
    edition: str | None,
    fingerprint: str,
    elsewhere: Collection[str] = (),
) -> Version | None:
    """Return the version that code with *fingerprint* is; None: it is to be deployed.

    Going back to earlier code is a new version, but not while processes still serve with it: then
    a roll-out goes round, and one of those was started again.

    Args:
        routes: of the handler, as they are; None: it is new.
        edition: of the code.
        fingerprint: of the code.
        elsewhere: ids of the versions that other processes serve with.
    """
    if routes is None:
        return None
    if not is_needed(routes, edition, fingerprint):
        return routes.last_of(edition)
    same = [
        each
        for each in routes.line
        if (each.edition, each.fingerprint) == (edition, fingerprint) and str(each.id) in elsewhere
    ]
    return same[-1] if same else None


def next_id(routes: HandlerRoutes | None, handler: str, now_us: int) -> VersionId:
    """Name the next version of *handler*: later and higher than every one before."""
    before = [version.id for version in routes.line] if routes else []
    seconds = max([now_us // 1_000_000, *(each.seconds for each in before)])
    sequence = max((each.sequence for each in before), default=0) + 1
    return VersionId(seconds=seconds, sequence=sequence, handler=handler)


def deployment(  # noqa: PLR0913 - what is said of a version
    routes: HandlerRoutes | None,
    *,
    handler: str,
    route: str,
    edition: str | None,
    fingerprint: str,
    digests: tuple[str, str] = ("", ""),
    now_us: int,
    effective_us: int | None = None,
    backfill: bool = False,
    tags: tuple[str, ...] = (),
    run: str = "newest",
) -> tuple[str, HandlerDeployed]:
    """Return the key and the fact of a new version.

    Args:
        routes: of the handler, as they are; None: it is new.
        handler: its id.
        route: as registered.
        edition: of the version.
        fingerprint: of its code.
        digests: of what clients can observe, and of the whole manifest.
        now_us: the time of the log, which never goes back.
        effective_us: from when on it is to be seen, if that is later.
        backfill: even if that is earlier.
        tags: that shall point to it.
        run: `newest`, or `own` where its callers get its own code whatever comes.
    """
    version_id = next_id(routes, handler, now_us)
    wanted_us = now_us if effective_us is None else effective_us
    from_us = _free(routes, wanted_us if backfill else max(now_us, wanted_us))
    activation = "now" if becomes_newest(routes, edition, from_us) else "edition"
    contract, manifest = digests
    fact = HandlerDeployed(
        handler,
        route,
        edition,
        fingerprint,
        contract=contract,
        manifest=manifest,
        effective_us=from_us,
        activation=activation,
        tags=tuple(sorted(tags)),
        run=run,
    )
    return str(version_id), fact


def becomes_newest(routes: HandlerRoutes | None, edition: str | None, from_us: int) -> bool:
    """Say whether it stands last on the line; a patch of an older edition does not (DP-3).

    Of the line as it is seen at *from_us*: one that is scheduled for later is no newer yet.
    """
    seen = [each for each in routes.line if each.effective_us <= from_us] if routes else []
    return not seen or (seen[-1].edition or "") <= (edition or "")


def _free(routes: HandlerRoutes | None, from_us: int) -> int:
    """Return *from_us*, or the first µs after it from which no other version is seen."""
    taken = {each.effective_us for each in routes.line} if routes else set()
    while from_us in taken:
        from_us += 1
    return from_us
