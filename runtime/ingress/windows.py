"""The windows of all rate limits of an app; after a restart, read back out of the log (RL-5)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from eventstore import EventStoreError, Store
from runtime.context import REQUEST
from runtime.facts import RequestReceived
from runtime.ingress_facts import KeptWindow
from runtime.policies import Limit, Outcome, Window, charge
from runtime.policies.windows import SECOND_US
from runtime.policy_facts import Charged, PolicyDecided

MOST: Final = 1_000_000
"""Windows that are kept."""
_DEAD: Final = 8
"""Windows that are dropped at most whenever one is opened: more than come, so all go."""


class Windows:
    """Windows by handler and caller. A dead one is dropped only after its end.

    Args:
        most: windows that are kept.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._count = 0
        self._by_length: dict[int, dict[tuple[str, str], Window]] = {}
        """Seconds of a window to those of that length, the oldest first."""

    def __len__(self) -> int:
        return self._count

    def ask(
        self, handler: str, caller: str, limits: Sequence[Limit], now_us: int
    ) -> tuple[Outcome, ...]:
        """Say what each limit says of one more request; changes nothing."""
        known = self._by_length
        return tuple(
            charge(
                known.get(limit.window_s, {}).get((handler, caller)),
                now_us,
                limit.count,
                limit.window_us,
            )
            for limit in limits
        )

    def has_room(self, limits: int, now_us: int) -> bool:
        """Say whether so many more windows can be kept, once the dead are dropped."""
        if self._count + limits > self._most:
            for window_s, windows in self._by_length.items():
                self._drop_dead(windows, window_s, now_us, self._count)
        return self._count + limits <= self._most

    def keep(
        self,
        handler: str,
        caller: str,
        limits: Sequence[Limit],
        outcomes: Sequence[Outcome],
        now_us: int,
    ) -> tuple[Charged, ...]:
        """Charge all limits, and return what the log has to know of it."""
        charged = []
        for limit, outcome in zip(limits, outcomes, strict=True):
            window = outcome.window
            assert window is not None  # noqa: S101 - it let the request in
            self._put(limit.window_s, (handler, caller), window, now_us)
            charged.append(Charged(limit.text, limit.window_s, window.start_us, window.used))
        return tuple(charged)

    def _put(self, window_s: int, key: tuple[str, str], window: Window, now_us: int) -> None:
        windows = self._by_length.setdefault(window_s, {})
        known = windows.get(key)
        if known is None or known.start_us != window.start_us:
            self._drop_dead(windows, window_s, now_us, _DEAD)
            # At the end: the first is always the oldest.
            self._count -= windows.pop(key, None) is not None
            self._count += 1
        windows[key] = window

    def _drop_dead(
        self, windows: dict[tuple[str, str], Window], window_s: int, now_us: int, most: int
    ) -> None:
        for _ in range(min(most, len(windows))):
            oldest = next(iter(windows))
            if now_us < windows[oldest].start_us + window_s * SECOND_US:
                return
            del windows[oldest]
            self._count -= 1

    def kept(self) -> Iterator[KeptWindow]:
        """Give all of them."""
        for window_s, windows in self._by_length.items():
            for (handler, caller), each in windows.items():
                yield KeptWindow(handler, caller, window_s, each.start_us, each.used)

    def restore(self, charged: Iterable[tuple[str, str, Charged]]) -> None:
        """Take what the log knows, in any order: of one caller's windows the newest stays."""
        found: dict[tuple[int, str, str], Window] = {}
        for handler, caller, each in charged:
            key, window = (each.window_s, handler, caller), Window(each.start, each.used)
            known = found.get(key)
            if known is None or (known.start_us, known.used) < (window.start_us, window.used):
                found[key] = window
        for (window_s, handler, caller), window in sorted(found.items(), key=_started):
            self._put(window_s, (handler, caller), window, window.start_us)


def _started(item: tuple[object, Window]) -> int:
    return item[1].start_us


def charged_since(
    store: Store, since_us: int, after: int = 0
) -> Iterable[tuple[str, str, Charged]]:
    """Give handler, caller and window of all that was charged since, the newest first.

    Args:
        store: the log.
        since_us: when requests began that are looked at.
        after: position of the log behind which they stand.

    Raises:
        EventStoreError: the log cannot be read.
    """
    before: int | None = None
    while True:
        rows = store.read_log(
            after=after,
            before=before,
            kinds=(REQUEST.name,),
            newest_first=True,
            first_rows_only=True,
        )
        for row in rows:
            if row.at_us < since_us:
                return
            yield from _charged(row.events[:8])
        if not rows:
            return
        before = rows[-1].position


def _charged(events: Sequence[object]) -> Iterable[tuple[str, str, Charged]]:
    handler = ""
    for event in events:
        try:
            fact = getattr(event, "data", None)
        except EventStoreError:
            # One that no upcaster can read says nothing of a window.
            continue
        if isinstance(fact, RequestReceived):
            handler = fact.handler
        elif isinstance(fact, PolicyDecided):
            for each in fact.windows:
                yield handler, fact.caller, each
