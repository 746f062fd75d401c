"""What is asked of secrets, what comes back, and what the record keeps of both (SE-9). Pure.

The record has names, versions, who had them and whether they came from the cache; a value,
or a digest of one, stands nowhere.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from eventstore.values import Tree
from runtime.errors import ContextKeyError
from runtime.secrets.handle import PLACEHOLDER, Secret
from runtime.secrets.provider import unavailable

TTL_S = 300.0
_TTL_S = (60.0, 900.0)
_KEY = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
NEEDED: Any = object()
"""Stands for a default that was not given."""


class Wish(msgspec.Struct, frozen=True):
    """What somebody asks of secrets."""

    names: tuple[str, ...]
    what: Literal["one", "many", "whether"] = "one"
    ttl_s: float = TTL_S
    refresh: bool = False
    partial: bool = False
    """Of many: those that are there will do."""
    default: Any = NEEDED
    """Of one: what stands for it if it is absent; never recorded."""

    @property
    def key(self) -> str:
        """Name of the effect."""
        text = ", ".join(self.names)
        return text if len(text) <= _KEY else f"{text[:_KEY]}…"

    @property
    def args(self) -> Tree:
        """Return the effect's arguments; None for a plain read."""
        told: dict[str, Any] = {}
        if self.what != "one":
            told = {"names": list(self.names), "what": self.what}
        if self.ttl_s != TTL_S:
            told["ttl"] = self.ttl_s
        if self.refresh:
            told["refresh"] = True
        return told or None


class Reading(msgspec.Struct, frozen=True):
    """A secret as it was read."""

    value: str
    version: str | None = None
    provider: str = ""
    cached: bool = False
    stale: bool = False
    """It is older than was asked for: no provider was to be reached."""

    def __repr__(self) -> str:
        return f"Reading({self.version!r})"


Readings = Mapping[str, Reading]
"""Those that are there, by name."""


def wish(names: tuple[object, ...], **how: Any) -> Wish:
    """Return a wish with its names checked and its time within 60 to 900 s.

    Raises:
        ContextKeyError: one is no name of a secret.
    """
    for name in names:
        check_name(name)
    low, high = _TTL_S
    ttl_s = min(max(how.pop("ttl_s", TTL_S), low), high)
    return Wish(tuple(map(str, names)), ttl_s=ttl_s, **how)


def check_name(name: object) -> None:
    """Refuse what is no name of a secret.

    Raises:
        ContextKeyError: names it.
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        shown = f"{name[:80]!a}" if isinstance(name, str) else f"a {type(name).__qualname__}"
        msg = f"{shown} is no name of a secret."
        raise ContextKeyError(msg, "Use 1 to 128 letters, digits and `_.-`.")


def check_complete(asked: Wish, found: Readings) -> None:
    """Refuse an answer that lacks what was needed.

    Raises:
        SecretUnavailableError: names all that is missing.
    """
    missing = [name for name in asked.names if name not in found]
    may_lack = asked.partial or asked.what == "whether" or asked.default is not NEEDED
    if missing and not may_lack:
        raise unavailable(missing)


def answer_of(asked: Wish, found: Readings) -> Any:
    """Return what the asker gets."""
    if asked.what == "whether":
        return bool(found)
    handles = {name: Secret(name, each.version, each.value) for name, each in found.items()}
    if asked.what == "many":
        return handles
    return handles.get(asked.names[0], asked.default)


def tree_of(asked: Wish, found: Readings) -> Tree:
    """Return what the record keeps of an answer."""
    if asked.what == "whether":
        return bool(found)
    told = {name: _told(each) for name, each in found.items()}
    if asked.what == "many":
        return told
    return told.get(asked.names[0], {"found": False})


def _told(each: Reading) -> dict[str, Any]:
    told: dict[str, Any] = {"version": each.version}
    if each.provider:
        told["provider"] = each.provider
    if each.cached:
        told["cached"] = True
    if each.stale:
        told["stale"] = True
    return told


def readings_of(asked: Wish, kept: Any) -> Readings:
    """Return an answer as it was, from what the record keeps of it, with values of `***`."""
    if asked.what == "whether":
        return {asked.names[0]: Reading("")} if kept else {}
    told = kept if asked.what == "many" else {asked.names[0]: kept}
    return {name: _read(each) for name, each in told.items() if each.get("found", True)}


def _read(told: Mapping[str, Any]) -> Reading:
    return Reading(
        PLACEHOLDER,
        told.get("version"),
        told.get("provider", ""),
        told.get("cached", False),
        told.get("stale", False),
    )
