"""Makes JSON of what a handler takes besides JSON: msgpack and forms (IN-9).

All that comes after it knows JSON alone: types, records, replays, transformers, idempotency.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from runtime.gtype import FormReader
from runtime.ingress.heads import Head, is_utf8
from runtime.ingress.multiparts import has_multipart, parts_of
from runtime.ingress.packed_shapes import refused_packed
from runtime.ingress.queries import BAD_ESCAPE, unquoted
from runtime.ingress.shapes import Shape, too_complex
from runtime.timescape import Refusal

JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"
_MSGPACK: Final = frozenset({MSGPACK, "application/vnd.msgpack", "application/x-msgpack"})
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
MAX_PARTS: Final = 100
_BOUNDARY: Final = re.compile(
    r";\s*boundary\s*=\s*(?:\"([^\"]{1,70})\"|([^\s;\"]{1,70}))", re.IGNORECASE
)

ToJson: TypeAlias = Callable[[bytes], bytes | Refusal]
_unpack: Final = msgspec.msgpack.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


class Media(msgspec.Struct, frozen=True):
    """What a handler takes besides JSON."""

    shape: Shape = Shape()
    forms: FormReader | None = None
    """None: a form cannot hold what it takes."""

    @property
    def accepted(self) -> str:
        """All that it takes, as `Accept-Post` says it."""
        named = [JSON, MSGPACK]
        if self.forms is not None:
            named += [FORM, MULTIPART] if has_multipart() else [FORM]
        return ", ".join(named)

    def reader(self, head: Head) -> ToJson | None:
        """Return what makes JSON of the body that *head* tells of; None: it is not taken."""
        written = next((value for name, value in head.headers if name == "content-type"), "")
        media = written.partition(";")[0].strip().lower()
        if not is_utf8(written):
            return None
        if media in _MSGPACK:
            return self._packed
        if self.forms is None:
            return None
        if media == FORM:
            return self._form
        boundary = _BOUNDARY.search(written)
        if media != MULTIPART or boundary is None or not has_multipart():
            return None
        return lambda raw: self._parts(raw, boundary[1] or boundary[2])

    def _packed(self, raw: bytes) -> bytes | Refusal:
        refusal = refused_packed(raw, self.shape)
        if refusal is not None:
            return refusal
        try:
            return _encode(_unpack(raw))
        except (msgspec.MsgspecError, ValueError, TypeError):
            return malformed("The body is not msgpack.", "Send one value, text in UTF-8.")

    def _form(self, raw: bytes) -> bytes | Refusal:
        if raw.count(b"&") >= self.shape.members:
            return too_complex("fields", self.shape.members)
        if BAD_ESCAPE.search(raw):
            return malformed("A % in the form is not followed by two hex digits.", "Encode it.")
        if raw.startswith((b"{", b"[")) and _is_json(raw):
            return malformed(
                "The body is JSON, and its content-type says that it is a form.",
                "Send it with content-type: application/json.",
            )
        pairs = (part.partition(b"=") for part in raw.split(b"&") if part)
        return self._plain((unquoted(name), unquoted(value)) for name, _, value in pairs)

    def _parts(self, raw: bytes, boundary: str) -> bytes | Refusal:
        if raw.count(b"--" + boundary.encode("latin-1")) > MAX_PARTS + 1:
            return too_complex("parts", MAX_PARTS)
        parts = parts_of(raw, boundary)
        if parts is None:
            return malformed(
                "The body is not multipart/form-data.", "Name each part, end the last."
            )
        return self._plain(parts)

    def _plain(self, fields: Iterable[tuple[bytes, bytes]]) -> bytes | Refusal:
        assert self.forms is not None  # noqa: S101 - `reader` looked
        try:
            return _encode(self.forms.plain((name.decode(), value) for name, value in fields))
        except UnicodeDecodeError:
            return malformed("The form is not UTF-8.", "Write it in UTF-8.")


def _is_json(raw: bytes) -> bool:
    """Say whether *raw* is JSON: what `curl -d` sends as a form unless it is told otherwise."""
    try:
        msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError):
        return False
    return True


def malformed(detail: str, remedy: str) -> Refusal:
    """Refuse a body that is not of its media type."""
    return Refusal(400, "malformed-body", detail, remedy)
