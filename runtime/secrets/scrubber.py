"""Finds secrets in what is about to leave, and puts `***` there (SE-8).

It knows the values that were read since the start, the last few thousand of them. Where
none was read, asking `knows` is all that anybody pays.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from eventstore import NewEvent
from runtime.secrets.handle import PLACEHOLDER
from runtime.secrets.spellings import spellings

MIN_BYTES = 8
"""Shorter values are not looked for: they would be found everywhere."""
_VALUES = 2_000
_NAMES = 1_000
_log = logging.getLogger("timescape")
_encode = msgspec.json.Encoder(enc_hook=lambda _: None).encode
"""What is to be sealed or hashed is no text yet: it is not looked into."""
T = TypeVar("T")
Told = Callable[[str, str], None]


class Needle(msgspec.Struct, frozen=True):
    """One spelling of one secret."""

    name: str
    text: str
    raw: bytes
    quoted: bytes
    """As JSON holds it."""

    def __repr__(self) -> str:
        return f"Needle({self.name!r})"


class Scrubber:
    """Knows secrets by value, and lets none of them through. Thread-safe."""

    def __init__(self) -> None:
        self.tell: Told = _nobody
        """Called with the name of a secret that was found, and where."""
        self._needles: tuple[Needle, ...] = ()
        self._known: dict[str, tuple[Needle, ...]] = {}
        self._warned: set[str] = set()
        self._lock = threading.Lock()

    @property
    def knows(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._needles)

    def learn(self, name: str, value: str) -> None:
        """Look for *value* from now on."""
        if value in self._known:
            return
        if len(value.encode("utf-8", "surrogatepass")) < MIN_BYTES:
            self._warn(name)
            return
        with self._lock:
            while len(self._known) >= _VALUES:
                del self._known[next(iter(self._known))]
            self._known[value] = tuple(_needle(name, text) for text in spellings(value))
            every = [needle for needles in self._known.values() for needle in needles]
            self._needles = tuple(sorted(every, key=lambda each: -len(each.text)))

    def _warn(self, name: str) -> None:
        with self._lock:
            if name in self._warned or len(self._warned) >= _NAMES:
                return
            self._warned.add(name)
        _log.warning("secret is too short to be kept out of texts: name=%s", name)

    def text(self, text: str, where: str) -> str:
        """Return *text* without secrets."""
        found = [needle for needle in self._needles if needle.text in text]
        while found:
            for needle in found:
                text = text.replace(needle.text, PLACEHOLDER)
                self.tell(needle.name, where)
            # What stands around a secret may now be another one; each round it is shorter.
            found = [needle for needle in self._needles if needle.text in text]
        return text

    def raw(self, raw: bytes, where: str) -> bytes:
        """Return *raw* without secrets."""
        found = [needle for needle in self._needles if needle.raw in raw]
        while found:
            for needle in found:
                raw = raw.replace(needle.raw, PLACEHOLDER.encode())
                self.tell(needle.name, where)
            found = [needle for needle in self._needles if needle.raw in raw]
        return raw

    def value(self, value: T, where: str) -> T:
        """Return plain data, or Structs that hold it, without secrets in any text of it."""
        return self._value(value, where)  # type: ignore[no-any-return]

    def _value(self, value: Any, where: str) -> Any:
        if isinstance(value, str):
            return self.text(value, where)
        if isinstance(value, dict):
            return self._dict(value, where)
        if isinstance(value, list | tuple):
            return type(value)([self._value(item, where) for item in value])
        if isinstance(value, msgspec.Struct):
            parts = {name: getattr(value, name) for name in value.__struct_fields__}
            return type(value)(**{n: self._value(part, where) for n, part in parts.items()})
        return value

    def _dict(self, value: dict[Any, Any], where: str) -> Any:
        clean = {self._value(k, where): self._value(v, where) for k, v in value.items()}
        if len(value) == 1:
            ((key, held),) = value.items()
            if isinstance(held, str) and key[:1] == "$" and clean != value:
                # Of an envelope, such as base64, a part would make no sense.
                return PLACEHOLDER
        return clean

    def events(self, events: Sequence[NewEvent]) -> Sequence[NewEvent]:
        """Return *events* without secrets in their payloads and keys."""
        written = _encode([(event.data, event.key) for event in events])
        if not any(needle.quoted in written for needle in self._needles):
            return events
        return [
            msgspec.structs.replace(
                event,
                data=self._value(event.data, event.type),
                key=self._value(event.key, event.type),
            )
            for event in events
        ]


def _needle(name: str, text: str) -> Needle:
    raw = text.encode("utf-8", "surrogatepass")
    try:
        quoted = _encode(text)[1:-1]
    except UnicodeEncodeError:
        # Text that JSON cannot hold stands there in base64, which is a spelling of its own.
        quoted = raw
    return Needle(name, text, raw, quoted)


def _nobody(name: str, where: str) -> None:
    return None
