"""A type made ready: decode and check in one go, explain only after a refusal.

Law: the decoder accepts exactly where the collecting pass finds nothing. Should they ever
differ, the refusal stands, with one issue at the place msgspec named (GT-15).
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Final, Generic, TypeVar

import msgspec

from runtime.errors import UnsupportedTypeError
from runtime.facts import Issue
from runtime.gtype.build import Built, build
from runtime.gtype.depth import MAX_DEPTH, too_deep
from runtime.gtype.findings import At, Findings, issue
from runtime.gtype.hints import REMEDY
from runtime.gtype.passes import Passes
from runtime.gtype.plan import Node, find
from runtime.gtype.redaction import Redactor, redactor
from runtime.gtype.schema import GType
from runtime.gtype.watch import watch
from runtime.messages import ValidationFailed

T = TypeVar("T")

_plain: Final = msgspec.json.Decoder()
_BYTE = re.compile(r"\(byte (\d+)\)")
UNEXPLAINED: Final = "another value"
"""What an issue says was there that only the decoder found (GT-15)."""
_PLACE = re.compile(r" at `\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\[\.\.\.\]")


class Checker(Generic[T]):
    """How values of one type are read, checked, written and recorded. Made by `check`."""

    __slots__ = (
        "_decode", "_encode", "_holds", "_is_bounded", "_node", "factories", "hint", "redact",
        "side", "type", "warnings",
    )  # fmt: skip

    def __init__(
        self,
        hint: Any,
        side: str,
        built: Built,
        holds: Callable[[Any], bool] | None,
        redact: Redactor,
    ) -> None:
        self.hint = hint
        self.side = side
        """`request` or `response`: what a refusal speaks of."""
        self.type = built.type
        """The type as data."""
        self.warnings = built.warnings
        """Where the type comes near a limit."""
        self.factories = {d.place: d.factory for d in built.defaults if d.factory is not None}
        """What makes the defaults of fields, by place: `Order.items[].at`."""
        self.redact = redact
        self._node = Passes(built.type.objects, built.functions).node(built.type.root)
        self._holds = holds
        self._is_bounded = built.type.is_bounded
        self._decode = msgspec.json.Decoder(hint).decode
        self._encode = msgspec.json.Encoder(enc_hook=_as_plain).encode

    def decode(self, raw: bytes) -> T:
        """Read *raw*, JSON text.

        Raises:
            ValidationFailed: with every issue; nothing else, whatever *raw* holds.
        """
        try:
            # To look at each byte costs a fifth of the decoding: only where it says something.
            if self._is_bounded or not too_deep(raw):
                value: T = self._decode(raw)
                if self._holds is None or self._holds(value):
                    return value
            cause: Exception | None = None
        except Exception as error:  # noqa: BLE001 - GT-20: whatever a decoder raises is a 400
            cause = error
        found = self.explain(raw, cause)
        raise ValidationFailed(self.side, found.issues, truncated=found.truncated) from None

    def encode(self, result: object) -> bytes:
        """Write *result* as JSON, as its type declares it: undeclared fields are left out.

        Raises:
            ValidationFailed: it does not conform.
        """
        try:
            raw = self._encode(result)
        except Exception as error:
            kind = type(result).__name__
            fault = issue(None, "kind", "plain data", kind)
            raise ValidationFailed(self.side, (fault,)) from error
        return self._encode(self.decode(raw))

    def issues(self, value: Any) -> Findings:
        """Run the collecting pass alone, on plain JSON data."""
        return find(self._node, value)

    def explain(self, raw: bytes, cause: Exception | None = None) -> Findings:
        """List what is wrong with *raw*, which was refused for *cause*; never empty."""
        found = explain(self._node, raw, is_bounded=self._is_bounded)
        if found.issues:
            return found
        return Findings((_at_place(cause, self._node.expected),), truncated=found.truncated)


def check(hint: Any, side: str = "request") -> Checker[Any]:
    """Compile *hint*, once, at registration.

    Raises:
        UnsupportedTypeError: it, or a type within it, cannot be checked.
        ConstraintError, InvalidDefaultError: it contradicts itself.
    """
    built = build(hint)
    watching = watch(built.info)
    holds = None if watching is None else watching.holds
    redact = redactor(built.info)
    try:
        return Checker(hint, side, built, holds, redact)
    except (TypeError, ValueError, NameError) as error:
        raise UnsupportedTypeError(problem=f"{hint}: {error}.", remedy=REMEDY) from error


class PlainChecker:
    """Checks values of a type of which only the data is there; gives plain data.

    Checks in code are not run: `type.unchecked` lists them.
    """

    def __init__(self, made: GType, side: str = "request") -> None:
        self.type = made
        self.side = side
        self._node = Passes(made.objects).node(made.root)

    def decode(self, raw: bytes) -> Any:
        """Read *raw*, JSON text, as plain data.

        Raises:
            ValidationFailed: with every issue.
        """
        found = explain(self._node, raw, is_bounded=self.type.is_bounded)
        if found.issues or found.truncated:
            raise ValidationFailed(self.side, found.issues, truncated=found.truncated)
        return _plain.decode(raw)

    def issues(self, value: Any) -> Findings:
        """Run the collecting pass alone, on plain JSON data."""
        return find(self._node, value)


def explain(node: Node, raw: bytes, *, is_bounded: bool) -> Findings:
    """List what is wrong with *raw*, in all ways in which bytes can be wrong.

    Args:
        node: what it must be.
        raw: JSON text.
        is_bounded: its type bounds how deep it nests.
    """
    if not is_bounded and too_deep(raw):
        return Findings((_TOO_DEEP,))
    if not raw.strip():
        return Findings((issue(None, "missing", node.expected, "missing"),))
    try:
        plain = _plain.decode(raw)
    except RecursionError:
        return Findings((_TOO_DEEP,))
    except (msgspec.DecodeError, ValueError) as error:
        return Findings((_unreadable(raw, error),))
    return find(node, plain)


def _syntax(expected: str, actual: str) -> Issue:
    return issue(None, "syntax", expected, actual)


_TOO_DEEP: Final = _syntax(f"at most {MAX_DEPTH} levels", "more levels")


def _unreadable(raw: bytes, error: Exception) -> Issue:
    if isinstance(error, UnicodeDecodeError):
        return _syntax("UTF-8", f"other bytes at byte {_utf8_fault(raw)}")
    if isinstance(error, msgspec.ValidationError):
        return _syntax("numbers within ±1.8e308", "a number out of range")
    at = _BYTE.search(str(error))
    return _syntax("JSON", f"a fault at byte {at[1] if at else len(raw)}")


def _utf8_fault(raw: bytes) -> int:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(raw)


def _at_place(cause: Exception | None, expected: str) -> Issue:
    """Make the one issue of a refusal that the pass cannot explain.

    Of msgspec's sentence only the place is used: the rest may quote the value.
    """
    found = _PLACE.search(str(cause)) if isinstance(cause, msgspec.ValidationError) else None
    at: At = None
    if found:
        for step in _STEP.finditer(found[1]):
            at = (at, step[1] or (int(step[2]) if step[2] else "*"))
        expected = "a value its type accepts"
    return issue(at, "check", expected, UNEXPLAINED)


def _as_plain(value: object) -> object:
    """Give msgspec the plain data of a frozen view or another container."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    if isinstance(value, Set):
        return list(value)
    raise NotImplementedError
