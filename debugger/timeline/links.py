"""Links to what a screen shows: `timescape://shop/req-…@1729?path=/total` (TM-13). Pure.

A link names a store by an alias that its reader has, or by the id of the log; never by an
address, so that opening one dials nothing that the reader did not name. There is one text
for each link, and reading it gives the link again.
"""

import re
from collections.abc import Iterator
from uuid import UUID

import msgspec

from debugger.errors import BadInputError
from eventstore import StreamId

SCHEME = "timescape://"
MOST_BYTES = 8_192
BASES = ("previous", "start", "end", "A")
SCREENS = ("requests", "request", "waterfall", "versions", "compare", "forks", "audit")
_STORE = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_MOMENT = r"[a-z]{1,12}-([0-9a-f]{32})@(0|[1-9]\d{0,8})"
_LINK = re.compile(rf"{SCHEME}({_STORE})/{_MOMENT}(?:\.(0|[1-9]\d{{0,8}}))?(?:\?(.+))?", re.ASCII)
_OTHER = re.compile(_MOMENT, re.ASCII)
_ALIAS = re.compile(_STORE, re.ASCII)
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/:@*")
_ESCAPED = re.compile(r"%([0-9A-F]{2})")
_FORM = (
    "Write timescape://STORE/req-…@1729, with the 32 digits of the request; then maybe"
    " ?path=/total&base=start&b=req-…@9&screen=compare&filter=…"
)


class Link(msgspec.Struct, frozen=True):
    """A place in a log that can be sent to somebody."""

    store: str
    """An alias, or the log's id: 32 hex digits."""
    stream: StreamId
    revision: int
    step: int | None = None
    """The line of a trace at that moment."""
    path: str = ""
    """The focused place of the state."""
    base: str = ""
    """What the moment is compared with."""
    b: tuple[StreamId, int] | None = None
    """The other moment, of a comparison."""
    screen: str = ""
    filter: str = ""

    def __str__(self) -> str:
        """Return its one text, which `read_link` takes."""
        step = "" if self.step is None else f".{self.step}"
        query = "&".join(f"{name}={value}" for name, value in self._fields())
        at = f"{SCHEME}{self.store}/req-{self.stream.hex}@{self.revision}{step}"
        return f"{at}?{query}" if query else at

    def _fields(self) -> Iterator[tuple[str, str]]:
        b = "" if self.b is None else f"req-{self.b[0].hex}@{self.b[1]}"
        for name, value in (("path", self.path), ("base", self.base), ("b", b),
                            ("screen", self.screen), ("filter", self.filter)):  # fmt: skip
            if value:
                yield name, _escaped(value)


def is_link(text: str) -> bool:
    """Say whether *text* means to be a link."""
    return text.strip().startswith(SCHEME)


def is_alias(text: str) -> bool:
    """Say whether *text* can stand for a store in a link."""
    return _ALIAS.fullmatch(text) is not None


def read_link(text: str) -> Link:
    """Read a link.

    Raises:
        BadInputError: it is none; names what cannot be read.
    """
    found = _LINK.fullmatch(text.strip())
    if found is None or len(text) > MOST_BYTES:
        problem = f"{text[:120]!r} is no link to a moment."
        raise BadInputError(problem, _FORM)
    store, stream, revision, step, query = found.groups()
    fields = dict(_read_fields(query or ""))
    b = _other(fields.pop("b")) if "b" in fields else None
    return Link(
        store, StreamId(UUID(stream)), int(revision), None if step is None else int(step), b=b,
        **fields,
    )  # fmt: skip


def _read_fields(query: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for pair in query.split("&") if query else ():
        name, equals, value = pair.partition("=")
        if name not in ("path", "base", "b", "screen", "filter") or name in seen or not equals:
            problem = f"{pair[:80]!r} is nothing that a link says, or it says it twice."
            raise BadInputError(problem, _FORM)
        seen.add(name)
        yield name, _checked(name, _unescaped(value))


def _checked(name: str, value: str) -> str:
    known = {"base": BASES, "screen": SCREENS}.get(name)
    if not value or (known is not None and value not in known):
        there = f"There are {', '.join(known)}." if known else "Give it a value or leave it out."
        problem = f"{value[:80]!r} is no {name} that a link can have."
        raise BadInputError(problem, there)
    return value


def _other(text: str) -> tuple[StreamId, int]:
    found = _OTHER.fullmatch(text)
    if found is None:
        problem = f"{text[:80]!r} is no moment of another request."
        raise BadInputError(problem, _FORM)
    return StreamId(UUID(found[1])), int(found[2])


def _escaped(text: str) -> str:
    data = text.encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in data)


def _unescaped(text: str) -> str:
    try:
        data = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text).encode("latin-1")
        return data.decode("utf-8", "surrogatepass")
    except ValueError as error:
        problem = f"{text[:80]!r} is not written as a link writes it."
        raise BadInputError(problem, "Copy the whole link once more.") from error
