"""Pins: which version a caller gets who names none (TG-4, TR-5). Pure."""

from collections.abc import Sequence
from typing import Final

from runtime.care_facts import VersionPinned, VersionUnpinned
from runtime.errors import PinError
from runtime.timescape import selectors as forms
from runtime.timescape.finding import handler_of
from runtime.timescape.resolve import Refusal, meaning
from runtime.timescape.selectors import Selector
from runtime.timescape.table import Pin, RouteTable
from runtime.timescape.version_ids import VersionId

EVERYWHERE: Final = "*"
KINDS: Final = ("credential", "principal", "tenant")
"""What a caller is pinned by, in the order of precedence."""
SOURCE: Final = "pin"
_LONGEST: Final = 256


def selector_of(text: str) -> Selector:
    """Return what a pin asks for, as if the caller had."""
    return Selector(SOURCE, SOURCE, text)


def pinned(table: RouteTable, handler: str, subjects: Sequence[str | None]) -> tuple[Selector, ...]:
    """Return what a caller is pinned to; nothing if it is not.

    Args:
        table: with at least one pin.
        handler: that is asked.
        subjects: of the caller, as `KINDS` has them; None: it has none.
    """
    for kind, subject in zip(KINDS, subjects, strict=True):
        if subject is not None:
            for place in (handler, EVERYWHERE):
                pin = table.pins.get((place, kind, subject))
                if pin is not None:
                    return (selector_of(pin.selector),)
    return ()


def pins_of(table: RouteTable, handler: str) -> list[Pin]:
    """Give the pins that callers of *handler* may have."""
    return [pin for pin in table.pins.values() if pin.handler in (handler, EVERYWHERE)]


def pin(
    table: RouteTable, handler: str, kind: str, subject: str, selector: str, *, now_us: int, by: str
) -> tuple[str, VersionPinned] | None:
    """Return key and fact that pin a caller; None: it is pinned so already.

    Args:
        table: as it is.
        handler: an id, or `*`.
        kind: of `KINDS`.
        subject: its id.
        selector: as a request would name a version; it has to mean one now.
        now_us: the time.
        by: who wants it.

    Raises:
        PinError: a kind, subject or selector that cannot be.
        VersionNotFound: there is no such handler.
    """
    _check_subject(kind, subject)
    _check_selector(table, handler, selector, now_us)
    before = table.pins.get((handler, kind, subject))
    previous = None if before is None else before.selector
    if previous == selector:
        return None
    return handler, VersionPinned(kind, subject, selector, previous, by)


def unpin(
    table: RouteTable, handler: str, kind: str, subject: str, *, by: str
) -> tuple[str, VersionUnpinned] | None:
    """Return key and fact that take a pin away; None: there is none."""
    if (handler, kind, subject) not in table.pins:
        return None
    return handler, VersionUnpinned(kind, subject, by)


def _check_subject(kind: str, subject: str) -> None:
    if kind not in KINDS:
        raise PinError(
            problem=f"{kind[:40]!r} cannot be pinned.", remedy=f"Pin one of: {', '.join(KINDS)}."
        )
    if not subject.isprintable() or not 0 < len(subject.encode()) <= _LONGEST:
        raise PinError(
            problem=f"{subject[:64]!r} is no id of a {kind}.",
            remedy=f"Use 1 to {_LONGEST} bytes of printable text.",
        )


def _check_selector(table: RouteTable, handler: str, text: str, now_us: int) -> None:
    meant = forms.read(selector_of(text))
    if meant is None:
        raise PinError(problem=f"{text[:80]!r} selects no version.", remedy=f"Write {forms.FORMS}.")
    if handler == EVERYWHERE:
        if isinstance(meant, VersionId):
            raise PinError(
                problem=f"{text} is a version of one handler.",
                remedy=f"Pin callers of {meant.handler}, or to an edition, instant or tag.",
            )
        return
    answer = meaning(handler_of(table, handler), selector_of(text), now_us)
    if isinstance(answer, Refusal):
        raise PinError(problem=answer.detail, remedy=answer.remedy)
