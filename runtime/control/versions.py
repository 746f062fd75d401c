"""Move tags, share out traffic, retire versions: each change one decision and its facts."""

from collections.abc import Mapping, Sequence
from typing import Final

from eventstore import Clock, Ids, NewEvent, Store, StreamId
from runtime.control.board import Board
from runtime.control.changing import Changed, Decide, after, change
from runtime.control.reading import read_table
from runtime.facts import Fact
from runtime.timescape import RouteTable, aging, pins, retiring, tags, traffic
from runtime.timescape.aging import Judged, UseOf
from runtime.timescape.finding import active_version_of, handler_of, version_of

ANYWHERE: Final = tags.ANYWHERE
_SALT_BYTES = 8


class Versions:
    """The versions of an app, to be looked at and changed.

    Each change blocks until it is durable; on an event loop call it in a thread. A change
    that is refused raises and appends nothing.

    Args:
        store: the log.
        stream: the control stream of the app.
        clock: of the log.
        ids: gives the salt of a split.
        board: of the app, where it runs in this process.
        by: who changes, unless a call says otherwise.
        dry_run: decide, but append nothing.
    """

    def __init__(
        self,
        store: Store,
        stream: StreamId,
        *,
        clock: Clock,
        ids: Ids,
        board: Board | None = None,
        by: str = "",
        dry_run: bool = False,
    ) -> None:
        self._store = store
        self._stream = stream
        self._clock = clock
        self._ids = ids
        self._board = board
        self._by = by
        self._dry_run = dry_run

    @property
    def table(self) -> RouteTable:
        """The newest route table."""
        return read_table(self._store, self._stream)

    def tag(
        self, tag: str, version: str, *, expected: str | None = ANYWHERE, by: str | None = None
    ) -> Changed:
        """Let *tag* point to *version*, in one fact.

        Args:
            tag: its name.
            version: an id.
            expected: the id it must point to now, or None: it must not be there.
            by: who moves it.

        Raises:
            TagNameError: no name for a tag.
            TagConflictError: it is not where it was expected.
            VersionNotFound: there is no such version.
            VersionDeactivated: it is not served any more.
        """

        def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
            routes, found = active_version_of(table, version)
            return _some(tags.tag(routes, tag, found, expected=expected, by=self._who(by)))

        return self._change(decide)

    def untag(self, handler: str, tag: str, *, by: str | None = None) -> Changed:
        """Take *tag* away; an unknown one changes nothing.

        Raises:
            VersionNotFound: there is no such handler.
        """

        def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
            return _some(tags.untag(handler_of(table, handler), tag, by=self._who(by)))

        return self._change(decide)

    def pin(
        self, handler: str, kind: str, subject: str, selector: str, *, by: str | None = None
    ) -> Changed:
        """Let a caller have what *selector* means whenever it names no version.

        Args:
            handler: its id, or `*`.
            kind: credential, principal or tenant; the first that is pinned decides.
            subject: the id of it.
            selector: as a request would name a version; looked up anew for each request.
            by: who wants it.

        Raises:
            PinError: a kind, subject or selector that cannot be.
            VersionNotFound: there is no such handler.
        """

        def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
            who = self._who(by)
            return _some(pins.pin(table, handler, kind, subject, selector, now_us=now_us, by=who))

        return self._change(decide)

    def unpin(self, handler: str, kind: str, subject: str, *, by: str | None = None) -> Changed:
        """Take a pin away; one that is not there changes nothing."""
        return self._change(
            lambda table, _: _some(pins.unpin(table, handler, kind, subject, by=self._who(by)))
        )

    def deactivate(
        self,
        version: str,
        *,
        reason: str = "manual",
        note: str = "",
        by: str | None = None,
        force: bool = False,
        stop: bool = False,
        promote: str | None = None,
    ) -> Changed:
        """Take *version* out of service; one that is out changes nothing.

        Args:
            version: an id.
            reason: manual, or security, which overrides the guards.
            note: kept with it.
            by: who wants it.
            force: override the guards that can be.
            stop: with security, even if it is current: its callers get 503.
            promote: the id of what becomes current instead, in the same commit.

        Raises:
            VersionNotFound: there is no such version.
            VersionProtectedError: a guard holds it.
            SplitError: what is to be promoted cannot be.
        """

        def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
            routes, found = version_of(table, version)
            first: list[tuple[str, Fact]] = []
            if promote is not None:
                first = _some(self._promotion(table, promote, now_us, by))
                new = [NewEvent(fact.type, fact, key, now_us) for key, fact in first]
                then = after(self._stream, table, new, table.position + 1).table
                routes = then.handlers[routes.handler]
            return first + _some(
                retiring.deactivate(
                    routes,
                    found,
                    now_us=now_us,
                    reason=reason,
                    note=note,
                    by=self._who(by),
                    force=force,
                    stop=stop,
                    pins=pins.pins_of(table, routes.handler),
                )
            )

        return self._change(decide)

    def reactivate(self, version: str, *, by: str | None = None) -> Changed:
        """Put *version* back into service; one that is in changes nothing.

        Raises:
            VersionNotFound: there is no such version.
        """

        def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
            return _some(retiring.reactivate(*version_of(table, version), by=self._who(by)))

        return self._change(decide)

    def retire(
        self,
        use_of: UseOf,
        *,
        in_flight: frozenset[str] = frozenset(),
        spared: frozenset[str] = frozenset(),
        by: str | None = None,
    ) -> tuple[Sequence[Judged], Changed]:
        """Take out of service what is not used; say of each active version what becomes of it.

        Args:
            use_of: how a version was used.
            in_flight: versions whose requests run.
            spared: handlers that are let be, whatever the policy says.
            by: who wants it.
        """
        judged: list[Judged] = []

        def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
            judged[:] = aging.judge(table, use_of, now_us, in_flight=in_flight, spared=spared)
            who = self._who(by)
            return [aging.retirement(each, table.policy, who) for each in judged if each.retires]

        changed = self._change(decide)
        return judged, changed

    def set_policy(
        self,
        *,
        hot: int | None = None,
        idle_s: int | None = None,
        low: int | None = None,
        excluded: Sequence[str] | None = None,
        overrides: Mapping[str, str | None] | None = None,
        by: str | None = None,
    ) -> Changed:
        """Change when versions count as used, and which are let be; from now on, for all.

        Args:
            hot: requests in 24 hours from which on a version is hot.
            idle_s: seconds without a request after which it is cold.
            low: requests in 7 days below which it is little used.
            excluded: ids of all handlers whose versions are let be.
            overrides: by version id `keep`, `deactivate`, or None to take it back.
            by: who wants it.

        Raises:
            RetirementError: a number or an override that cannot be.
            VersionNotFound: there is no such handler or version.
        """

        def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
            return _some(
                aging.change_policy(
                    table, hot=hot, idle_s=idle_s, low=low, excluded=excluded,
                    overrides=overrides, by=self._who(by),
                )
            )  # fmt: skip

        return self._change(decide)

    def deprecate(
        self,
        version: str,
        *,
        sunset_us: int | None = None,
        link: str | None = None,
        by: str | None = None,
        force: bool = False,
    ) -> Changed:
        """Announce that *version* ends; from *sunset_us* on it is refused.

        Raises:
            VersionNotFound: there is no such version.
            SunsetError: it is current, or that is too soon.
        """

        def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
            routes, found = version_of(table, version)
            fact = retiring.deprecate(
                routes,
                found,
                now_us=now_us,
                sunset_us=sunset_us,
                link=link,
                by=self._who(by),
                force=force,
            )
            return [fact]

        return self._change(decide)

    def split(self, handler: str, parts: Mapping[str, int], *, by: str | None = None) -> Changed:
        """Share callers who name nothing among versions, by parts of 10 000.

        Raises:
            VersionNotFound: there is no such handler.
            SplitError: the sum, or a version that cannot take traffic.
        """

        def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
            routes = handler_of(table, handler)
            who = self._who(by)
            return _some(traffic.split(routes, parts, salt=self._salt(), now_us=now_us, by=who))

        return self._change(decide)

    def promote(self, version: str, *, by: str | None = None) -> Changed:
        """Let all callers who name nothing have *version*.

        Raises:
            VersionNotFound: there is no such version.
            SplitError: it cannot take traffic.
        """
        return self._change(
            lambda table, now_us: _some(self._promotion(table, version, now_us, by))
        )

    def _promotion(
        self, table: RouteTable, version: str, now_us: int, by: str | None
    ) -> "tuple[str, Fact] | None":
        routes, found = version_of(table, version)
        return traffic.promote(routes, found, salt=self._salt(), now_us=now_us, by=self._who(by))

    def _change(self, decide: Decide) -> Changed:
        changed = change(
            self._store, self._stream, decide, clock=self._clock, dry_run=self._dry_run
        )
        if self._board is not None and not self._dry_run:
            self._board.adopt(changed.table)
        return changed

    def _who(self, by: str | None) -> str:
        return self._by if by is None else by

    def _salt(self) -> str:
        return self._ids.token(_SALT_BYTES).hex()


def _some(found: "tuple[str, Fact] | None") -> list[tuple[str, Fact]]:
    return [] if found is None else [found]
