"""The windows of all rate limits as a fold, so that a restart need not read all requests (RL-5).

Every so often the windows that changed are told together. What is folded of that, and the
requests that came after the last telling, give all windows again.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from eventstore import Event, OfUnknown
from runtime.ingress_facts import KeptWindow, WindowsKept
from runtime.policies.windows import SECOND_US


class KeptWindows(msgspec.Struct, frozen=True):
    """Windows that were not over when they were told last."""

    position: int = 0
    """Of the log, up to which every charge is in them."""
    windows: tuple[KeptWindow, ...] = ()
    """One for each handler, caller and length, in this order."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(KeptWindows).decode


class WindowsReducer:
    """Folds the stream in which windows are told."""

    name = "windows"
    version = 1
    types = frozenset({WindowsKept.type})
    unknown: OfUnknown = "skip"

    def initial(self) -> KeptWindows:
        """Return what is known before the first telling."""
        return KeptWindows()

    def apply(self, state: KeptWindows, event: Event) -> KeptWindows:
        """Return what is known after *event*."""
        return self.apply_all(state, (event,))

    def apply_all(self, state: KeptWindows, events: Iterable[Event]) -> KeptWindows:
        """Return what is known after *events*."""
        position, at_us = state.position, 0
        newest = {_whose(each): each for each in state.windows}
        for event in events:
            if isinstance(event.data, WindowsKept):
                position, at_us = event.position, max(at_us, event.at_us)
                _join(newest, event.data.windows)
        live = (each for each in newest.values() if at_us < _end_us(each))
        return KeptWindows(position, tuple(sorted(live, key=_whose)))

    def dump(self, state: KeptWindows) -> bytes:
        """Return *state* as JSON."""
        return _encode(state)

    def load(self, data: bytes) -> KeptWindows:
        """Return the state that `dump` was given."""
        return _decode(data)


def _whose(window: KeptWindow) -> tuple[str, str, int]:
    return window.handler, window.caller, window.window_s


def _join(newest: dict[tuple[str, str, int], KeptWindow], told: Iterable[KeptWindow]) -> None:
    """Take in windows; of one caller's the newest stays, and of that the fullest."""
    for each in told:
        known = newest.get(_whose(each))
        if known is None or (known.start, known.used) < (each.start, each.used):
            newest[_whose(each)] = each


def _end_us(window: KeptWindow) -> int:
    return window.start + window.window_s * SECOND_US


WINDOWS_REDUCER: Final = WindowsReducer()
"""For stores that keep folded states."""
