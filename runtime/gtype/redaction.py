"""Takes what is marked sensitive out of a body before anything is recorded (GT-19).

The places are compiled once from the type. Where a value does not conform, the rules of
all branches apply: rather too much is left out than too little.
"""

from typing import Any, Final

import msgspec
from msgspec import inspect as mi

from eventstore.values import ToDrop
from runtime.gtype.depth import too_deep
from runtime.gtype.places import Hide, Rule, rules_of, strictest
from runtime.gtype.sensitive import REDACTED

_plain: Final = msgspec.json.Decoder()


class Redactor:
    """Turns the text of a body into what may be recorded of it."""

    __slots__ = ("_rules", "needs_keyring", "paths")

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules
        found = _paths(rules, "", frozenset())
        self.paths = tuple(dict.fromkeys(path for path, _ in found))
        """Where sensitive values stand, such as `/items/*/card`; recursion is cut."""
        kept = (path for path, hide in found if hide.mark.how != "drop")
        self.needs_keyring = tuple(dict.fromkeys(kept))
        """Those of them that are hashed or sealed."""

    def __call__(self, raw: bytes) -> Any:
        """Read *raw* as plain data without its sensitive parts.

        None stands for what cannot be read and may hold something sensitive. What is hashed
        or sealed is a `Hidden`, which drafting the append hides.

        Raises:
            ValueError: it cannot be read, and its type has nothing sensitive.
        """
        try:
            if too_deep(raw):
                raise ValueError(raw[:0])  # noqa: TRY301 - as what the decoder raises
            plain = _plain.decode(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            if self.paths:
                return None
            raise ValueError("not JSON") from None  # noqa: TRY003 - read by nobody
        return _apply(self._rules, plain, None) if self.paths else plain


def redactor(info: mi.Type) -> Redactor:
    """Compile what must be left out of values of a type.

    Raises:
        ConstraintError: a mark names a subject that is no field beside it.
    """
    return Redactor(rules_of(info))


def _paths(rules: list[Rule], path: str, above: frozenset[int]) -> list[tuple[str, Hide]]:
    found: list[tuple[str, Hide]] = []
    for rule in rules:
        if rule.hide is not None:
            found.append((path, rule.hide))
        elif id(rule) not in above:
            inside = above | {id(rule)}
            for name, inner in rule.fields.items():
                found += _paths(inner, f"{path}/{name}", inside)
            for n, inner in rule.positions.items():
                found += _paths(inner, f"{path}/{n}", inside)
            found += _paths(rule.inner, f"{path}/*", inside)
    return found


def _apply(rules: list[Rule], value: Any, owner: Any) -> Any:
    """Take what *rules* hide from *value*, in place; its depth is bounded by `too_deep`.

    Args:
        rules: that may hold here, one a branch.
        value: plain data.
        owner: the object, as it came, that *value* is in; None: it is in none.
    """
    hide = strictest(rules)
    if hide is not None:
        hidden = hide.hidden(value, owner)
        return REDACTED if isinstance(hidden, ToDrop) else hidden
    before = value.copy() if isinstance(value, dict | list) else None
    for rule in rules:
        of = before if rule.is_object else owner
        if isinstance(value, dict):
            _apply_object(rule, value, of)
        elif isinstance(value, list):
            _apply_array(rule, value, of)
    return value


def _apply_object(rule: Rule, value: dict[str, Any], owner: Any) -> None:
    for name, inner in rule.fields.items():
        if name in value:
            value[name] = _apply(inner, value[name], owner)
    if rule.inner:
        for name, item in value.items():
            value[name] = _apply(rule.inner, item, owner)


def _apply_array(rule: Rule, value: list[Any], owner: Any) -> None:
    for n, inner in rule.positions.items():
        if n < len(value):
            value[n] = _apply(inner, value[n], owner)
    if rule.inner:
        value[:] = [_apply(rule.inner, item, owner) for item in value]
