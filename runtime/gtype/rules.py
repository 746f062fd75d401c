"""What a value must fulfil beyond its kind: patterns, forms, checks in code (GT-13)."""

import hashlib
import re
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any, TypeAlias

from runtime.errors import ConstraintError
from runtime.gtype import kinds
from runtime.gtype.kinds import Any_, Rule
from runtime.gtype.marks import CHECK, FORM, PATTERN, UNIQUE, CodeCheck
from runtime.gtype.patterns import matcher

Test: TypeAlias = Callable[[Any], bool]
Functions: TypeAlias = dict[Rule, Callable[[Any], object]]
"""What runs for a rule, where the code is there."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII | re.IGNORECASE)
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+", re.ASCII | re.IGNORECASE)
_URL = re.compile(r"https?://(?P<host>[^/?#:@\[\]]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?(?:[/?#]|$)")
_MAX_URL = 2_048
_MAX_EMAIL = 254
_MAX_LOCAL = 64


def functions_of(marks: Mapping[str, Any]) -> Functions:
    """Give the checks in code among *marks*."""
    checks = [mark for name, mark in marks.items() if name.startswith(CHECK)]
    return {_rule(check): check.fn for check in checks if isinstance(check, CodeCheck)}


def _rule(check: CodeCheck) -> Rule:
    fn = check.fn
    name = f"{getattr(fn, '__module__', '?')}.{getattr(fn, '__qualname__', type(fn).__qualname__)}"
    code = getattr(fn, "__code__", None)
    text = _does(code) if isinstance(code, CodeType) else name
    return Rule(name, hashlib.sha256(text.encode()).hexdigest()[:32], check.code, check.message)


def _does(code: CodeType) -> str:
    # Names and constants, not bytecode: that differs from one Python to the next.
    inner = [_does(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return f"{code.co_names}{code.co_varnames}{inner}"


def refuse_misplaced(part: Any_, marks: Mapping[str, Any], place: str) -> None:
    """Refuse marks that do not fit the kind they stand at.

    Raises:
        ConstraintError: names the mark, the kind and what to write.
    """
    kind = str(part.__struct_config__.tag)
    if not isinstance(part, kinds.Text) and (PATTERN in marks or FORM in marks):
        name = "Pattern" if PATTERN in marks else "Email or Url"
        raise _misplaced(place, kind, name, "Write it at the text: Annotated[str, …] | None.")
    if UNIQUE in marks and not (
        isinstance(part, kinds.Array)
        and not part.collapse
        and isinstance(part.item, kinds.COUNTABLE)
    ):
        remedy = "Write it at a list of text, numbers, dates or ids."
        raise _misplaced(place, kind, "UniqueItems", remedy)
    if any(name.startswith(CHECK) for name in marks) and not isinstance(part, kinds.COUNTABLE):
        remedy = "Write it at text, a number, a date or an id; check the whole in the handler."
        raise _misplaced(place, kind, "Check", remedy)


def _misplaced(place: str, kind: str, mark: str, remedy: str) -> ConstraintError:
    return ConstraintError(problem=f"{place} is of kind {kind}: it takes no {mark}.", remedy=remedy)


def is_email(text: str) -> bool:
    """Say whether *text* is an address as GT-13 has it."""
    local, at, domain = text.partition("@")
    return (
        bool(local and at)
        and len(local) <= _MAX_LOCAL
        and len(text) <= _MAX_EMAIL
        and local.isprintable()
        and " " not in local
        and _DOMAIN.fullmatch(domain) is not None
    )


def is_url(text: str) -> bool:
    """Say whether *text* is an absolute http or https URL without user information."""
    found = _URL.match(text)
    if found is None or len(text) > _MAX_URL or not text.isprintable() or " " in text:
        return False
    host = found["host"]
    return host.startswith("[") or _HOST.fullmatch(host) is not None


_FORMS: Mapping[str, tuple[str, Test]] = {
    "email": ("an email address", is_email),
    "url": ("an absolute http or https URL", is_url),
}


def text_rules(part: kinds.Text) -> tuple[tuple[str, str, Test], ...]:
    """Give code, what is expected, and the test of each rule for text."""
    found: list[tuple[str, str, Test]] = []
    if part.pattern is not None:
        found.append(("pattern", f"text matching {part.pattern}", matcher(part.pattern)))
    if part.form is not None:
        found.append(("format", *_FORMS[part.form]))
    return tuple(found)


def run(fn: Callable[[Any], object], value: Any) -> bool | None:
    """Run a check in code; None: it raised."""
    try:
        return bool(fn(value))
    except Exception:  # noqa: BLE001 - the user's code; whatever it raises, the value will not do
        return None
