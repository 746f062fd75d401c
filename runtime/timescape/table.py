"""The route table: what the control facts up to a position say of versions (TS-4).

Frozen values. `runtime.timescape.folding` makes them, `resolve` reads them. Health and
usage are not here: resolving cannot see them.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping

import msgspec

from runtime.timescape.timeline import Entry, entry_at
from runtime.timescape.version_ids import VersionId
from runtime.version_facts import Compared

DEFAULT_TAG = "default"
"""The tag that callers who name nothing follow, where a handler has it (TR-5)."""
WHOLE = 10_000
"""What the parts of a split add up to (DP-5)."""


class Version(msgspec.Struct, frozen=True):
    """A version of a handler, as it was deployed."""

    id: VersionId
    edition: str | None
    fingerprint: str
    effective_us: int
    """Until then no selector sees it (TS-7)."""
    activation: str = "now"
    """now: from then on callers who name nothing get it; hold, edition: they do not."""
    run: str = "newest"
    """own: its callers get its own code, whatever transformers there are."""
    schema: str | None = None
    """The database schema that it needs, `orders@2`."""

    @property
    def order(self) -> tuple[str, VersionId]:
        """Where it stands on the line of its handler (TS-2)."""
        return self.edition or "", self.id


class Pair(msgspec.Struct, frozen=True, array_like=True):
    """A transformer between two neighbours (TX-1)."""

    older: str
    """An edition, an id, or `` for the version without edition."""
    newer: str
    fingerprint: str
    functions: tuple[str, ...]


class TagMove(msgspec.Struct, frozen=True, array_like=True):
    """From *at_us* on a tag points to *version*; None: to nothing."""

    at_us: int
    version: str | None


class Split(msgspec.Struct, frozen=True):
    """How callers who name nothing are shared out (DP-5)."""

    parts: tuple[tuple[str, int], ...]
    """Version id and its part of 10 000, the newest last."""
    salt: str


class Retirement(msgspec.Struct, frozen=True):
    """What became of a version (VL-5, VL-6)."""

    deactivated: str | None = None
    """Why it is not served any more; None: it is."""
    deprecated_us: int | None = None
    """Since when it is announced to end."""
    sunset_us: int | None = None
    """When it ends."""
    link: str | None = None
    """Where that is explained."""
    reactivated_us: int | None = None
    """When it came back into service last."""


IN_SERVICE = Retirement()
"""Of a version of which nothing was said."""


class Policy(msgspec.Struct, frozen=True):
    """When versions count as used, and which are let be (VL-2, VL-3)."""

    hot: int = 100
    """Requests in 24 hours."""
    idle_s: int = 604_800
    low: int = 10
    """Requests in 7 days."""
    excluded: tuple[str, ...] = ()
    """Handler ids."""
    overrides: Mapping[str, str] = {}
    """Version id to keep or deactivate."""


class Pin(msgspec.Struct, frozen=True, array_like=True):
    """Who gets what without naming it (TG-4)."""

    handler: str
    """Its id, or `*`."""
    kind: str
    """credential, principal or tenant."""
    subject: str
    selector: str

    @property
    def place(self) -> tuple[str, str, str]:
        """What there is one pin of."""
        return self.handler, self.kind, self.subject


class HandlerRoutes(msgspec.Struct, frozen=True):
    """All that is known of one handler's versions."""

    handler: str
    route: str
    """As it was deployed last: `POST /orders/{order_id:int}`."""
    versions: Mapping[str, Version]
    """By id, in the order of deployment."""
    line: tuple[Version, ...]
    """In the order of edition and id; its last is the newest (TS-2)."""
    timeline: tuple[Entry, ...] = ()
    tags: Mapping[str, tuple[TagMove, ...]] = {}
    """Each tag's moves, oldest first."""
    split: Split | None = None
    retired: Mapping[str, Retirement] = {}
    pairs: Mapping[tuple[str, str], Pair] = {}
    """Transformers by what they join."""
    compared: Mapping[tuple[str, str], Compared] = {}
    """What changed between versions that are or were neighbours, by their ids."""

    def current(self, at_us: int) -> Version | None:
        """Return the version that was current at *at_us*."""
        entry = entry_at(self.timeline, at_us)
        return None if entry is None else self.versions.get(entry.version)

    def retirement(self, version: str) -> Retirement:
        """Say what became of *version*."""
        return self.retired.get(version, IN_SERVICE)

    def in_service(self, version: str, now_us: int) -> bool:
        """Say whether *version* is neither deactivated nor past its sunset."""
        known = self.retirement(version)
        ended = known.sunset_us is not None and known.sunset_us <= now_us
        return known.deactivated is None and not ended

    def is_active(self, version: str) -> bool:
        """Say whether *version* is not deactivated."""
        return self.retirement(version).deactivated is None

    def meant(self, tag: str, at_us: int | None, now_us: int) -> str | None:
        """Return the id that *tag* means to a request; see `tagged`.

        Of moves to a version that is scheduled the tag takes notice when that is seen; if it
        points to nothing else, to that all the same.
        """
        moves = self.tags.get(tag, ())
        known = moves if at_us is None else moves[: bisect_right(moves, at_us, key=_at)]
        then_us = now_us if at_us is None else min(at_us, now_us)
        for move in reversed(known):
            if move.version is None or self.versions[move.version].effective_us <= then_us:
                return move.version
        return known[-1].version if known else None

    def tagged(self, tag: str, at_us: int | None = None) -> str | None:
        """Return the id that *tag* points to, now or at *at_us*."""
        moves = self.tags.get(tag, ())
        known = len(moves) if at_us is None else bisect_right(moves, at_us, key=_at)
        return moves[known - 1].version if known else None

    @property
    def tags_now(self) -> dict[str, str]:
        """Each tag that points somewhere, and where to."""
        return {name: moves[-1].version for name, moves in self.tags.items() if moves[-1].version}

    def tags_of(self, version: str) -> list[str]:
        """Return the tags that point to *version*, sorted."""
        return sorted(tag for tag, holder in self.tags_now.items() if holder == version)

    def share(self, version: str) -> int:
        """Return the part of the split that *version* has."""
        return dict(self.split.parts).get(version, 0) if self.split else 0

    def last_of(self, edition: str | None) -> Version | None:
        """Return what was deployed last of *edition*."""
        for version in reversed(list(self.versions.values())):
            if version.edition == edition:
                return version
        return None


class RouteTable(msgspec.Struct, frozen=True):
    """The whole table at a position of the log."""

    position: int = 0
    """Of the last fact that is in it; 0: none is."""
    at_us: int = 0
    """When that was; of facts whose clock stepped back, the latest before."""
    revision: int = 0
    """Of the control stream: what a change of it expects."""
    handlers: Mapping[str, HandlerRoutes] = {}
    pins: Mapping[tuple[str, str, str], Pin] = {}
    """By handler or `*`, kind and subject."""
    policy: Policy = Policy()
    schemas: Mapping[str, str] = {}
    """By name `applied`, `open` while they change, or `absent`."""

    def __iter__(self) -> Iterator[HandlerRoutes]:
        return iter(self.handlers.values())


def _at(move: TagMove) -> int:
    return move.at_us
