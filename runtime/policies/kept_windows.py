"""The windows of all rate limits as a fold, so that a restart need not read all requests (RL-5).

Every so often the windows that changed are told together. What is folded of that, and the
requests that came after the last telling, give all windows again.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from eventstore import Event, OfUnknown
from runtime.ingress_facts import KeptWindow, WindowsKept
from runtime.policies.windows import SECOND_US, Window

Key: TypeAlias = tuple[int, str, str]
"""Seconds of the window, handler, caller."""
_NONE: Final[Mapping[Key, Window]] = MappingProxyType({})


class KeptWindows(msgspec.Struct, frozen=True):
    """Windows that were not over when they were told last."""

    position: int = 0
    """Of the log, up to which every charge is in them."""
    windows: Mapping[Key, Window] = _NONE


class _Kept(msgspec.Struct, frozen=True):
    position: int
    windows: tuple[KeptWindow, ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Kept).decode


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
        windows, position, at_us = dict(state.windows), state.position, 0
        for event in events:
            if isinstance(event.data, WindowsKept):
                position, at_us = event.position, max(at_us, event.at_us)
                _join(windows, event.data.windows)
        live = {key: each for key, each in windows.items() if at_us < _end_us(key, each)}
        return KeptWindows(position, MappingProxyType(live))

    def dump(self, state: KeptWindows) -> bytes:
        """Return *state* as JSON."""
        kept = sorted((h, c, s, w.start_us, w.used) for (s, h, c), w in state.windows.items())
        return _encode(_Kept(state.position, tuple(KeptWindow(*each) for each in kept)))

    def load(self, data: bytes) -> KeptWindows:
        """Return the state that `dump` was given."""
        kept = _decode(data)
        windows: dict[Key, Window] = {}
        _join(windows, kept.windows)
        return KeptWindows(kept.position, MappingProxyType(windows))


def _join(windows: dict[Key, Window], told: Iterable[KeptWindow]) -> None:
    """Take in windows; of one caller's the newest stays, and of that the fullest."""
    for each in told:
        key, new = (each.window_s, each.handler, each.caller), Window(each.start, each.used)
        known = windows.get(key)
        if known is None or (known.start_us, known.used) < (new.start_us, new.used):
            windows[key] = new


def _end_us(key: Key, window: Window) -> int:
    return window.start_us + key[0] * SECOND_US


WINDOWS_REDUCER: Final = WindowsReducer()
"""For stores that keep folded states."""
