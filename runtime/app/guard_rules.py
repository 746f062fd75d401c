"""Reads what handlers say of who may call them (PO-1, RL-3, IK-1)."""

from typing import Final, Self

import msgspec

from runtime.errors import PolicySyntaxError
from runtime.ingress.bodies import WHOLE_S
from runtime.ingress.endpoints import Guarded
from runtime.ingress.shapes import MAX_ITEMS, MAX_MEMBERS, MAX_VALUES
from runtime.lifecycle.handlers import MAX_ANSWER
from runtime.policies import AccessRules, Limit, RateLimits, parse_limits
from runtime.policies.access import check_names

MOST_ANSWER: Final = 32 * 1024 * 1024
"""What anybody may say: an answer is recorded, and a commit has its limit as well."""
MAX_BODY_S: Final = 3_600.0
"""What a body may be allowed to take."""
_KEYS: Final = ("off", "optional", "required")
_KEYED: Final = frozenset({"POST", "PATCH"})


class Asking(msgspec.Struct, frozen=True):
    """What `app.handler(…)` was told of who may call, as it was written."""

    auth: object = None
    roles: object = None
    scopes: object = None
    limits: object = None
    idempotency: object = None
    max_concurrency: object = None
    max_members: object = MAX_MEMBERS
    max_items: object = MAX_ITEMS
    body_timeout: object = WHOLE_S
    decompress: object = False
    max_answer: object = MAX_ANSWER
    record_untyped: object = True

    def checked(self) -> Self:
        """Return it as it is, if it can be read.

        Raises:
            PolicySyntaxError: it cannot.
        """
        read_rules(self, required=False)
        return self

    def of(self, **said: object) -> Self:
        """Return what one handler asks: what it *said*, and this where it said None."""
        return msgspec.structs.replace(
            self, **{name: value for name, value in said.items() if value is not None}
        )


class GuardRules(msgspec.Struct, frozen=True):
    """The same, read."""

    access: AccessRules
    limits: tuple[Limit, ...]
    idempotency: str | None
    """None: by the method."""
    max_concurrency: int | None = None
    """Requests that run at once; None: as many as the app takes."""
    max_members: int = MAX_MEMBERS
    """That an object of a body may have."""
    max_items: int = MAX_ITEMS
    """That an array of a body may have."""
    body_timeout_s: float = WHOLE_S
    """That a body may take to come."""
    decompress: bool = False
    """Whether a compressed body is taken."""
    max_answer: int = MAX_ANSWER
    """Bytes that an answer may have."""
    record_untyped: bool = True
    """Whether bodies and answers that have no declared fields are recorded."""

    def keys(self, method: str) -> str:
        """Say what becomes of idempotency keys with *method* (IK-1)."""
        return self.idempotency or ("optional" if method in _KEYED else "off")


OPEN: Final = GuardRules(AccessRules(), (), None)


def read_rules(asking: Asking, *, required: bool) -> GuardRules:
    """Read what a handler asks.

    Args:
        asking: as written.
        required: whether handlers that say nothing need a principal.

    Raises:
        PolicySyntaxError: it cannot be read.
    """
    if asking.auth not in {None, "open", "required"}:
        raise unknown("auth", asking.auth, '"open" or "required"')
    if asking.idempotency is not None and asking.idempotency not in _KEYS:
        raise unknown("idempotency", asking.idempotency, '"off", "optional" or "required"')
    roles = check_names(asking.roles, "roles")
    scopes = check_names(asking.scopes, "scopes")
    named = roles is not None or scopes is not None
    if asking.auth == "open" and named:
        raise unknown("auth", asking.auth, '"required" beside roles or scopes, or leave it out')
    said = asking.auth == "required" or named
    access = AccessRules(said or (required and asking.auth is None), roles or (), scopes or ())
    limits = () if asking.limits is None else parse_limits(asking.limits)
    kept = asking.idempotency if isinstance(asking.idempotency, str) else None
    return GuardRules(
        access,
        limits,
        kept,
        check_places(asking.max_concurrency),
        check_many("max_members", asking.max_members),
        check_many("max_items", asking.max_items),
        _check_seconds(asking.body_timeout),
        _check_flag("decompress", asking.decompress),
        _check_answer(asking.max_answer),
        _check_flag("record_untyped", asking.record_untyped),
    )


def check_places(given: object) -> int | None:
    """Read a number of requests that run at once; None stays None.

    Raises:
        PolicySyntaxError: it is none.
    """
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise unknown("max_concurrency", given, "a whole number from 1")
    return given


def check_many(name: str, given: object) -> int:
    """Read how many values may stand side by side.

    Raises:
        PolicySyntaxError: it is no such number.
    """
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MAX_VALUES:
        raise unknown(name, given, f"a whole number from 1 to {MAX_VALUES}")
    return given


def _check_answer(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST_ANSWER:
        raise unknown("max_answer", given, f"a number of bytes from 1 to {MOST_ANSWER}")
    return given


def _check_seconds(given: object) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 < given <= MAX_BODY_S:
        return float(given)
    raise unknown("body_timeout", given, f"seconds, above 0 and at most {MAX_BODY_S:g}")


def _check_flag(name: str, given: object) -> bool:
    if not isinstance(given, bool):
        raise unknown(name, given, "True or False")
    return given


def unknown(name: str, given: object, remedy: str) -> PolicySyntaxError:
    """Return the error of a setting that has none of its values."""
    return PolicySyntaxError(
        problem=f"{name}={given!r:.80} is not known.", remedy=f"Write {remedy}."
    )


def guarded(rules: GuardRules) -> Guarded | None:
    """Return what a version asks of each request; None: nothing."""
    if not rules.limits and not rules.access.needs_principal:
        return None
    return Guarded(rules.access, RateLimits(rules.limits) if rules.limits else None)
