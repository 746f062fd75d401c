"""Who may call a handler (PO-1)."""

from collections.abc import Iterable
from typing import Any

import msgspec

from runtime.errors import PolicySyntaxError
from runtime.principals import Principal
from runtime.timescape import Refusal


class AccessRules(msgspec.Struct, frozen=True):
    """What a handler asks of who calls it."""

    required: bool = False
    """Anybody but the anonymous."""
    roles: tuple[str, ...] = ()
    """One of them suffices; sorted."""
    scopes: tuple[str, ...] = ()
    """All of them are needed; sorted."""

    @property
    def needs_principal(self) -> bool:
        """Whether the anonymous are refused."""
        return self.required or bool(self.roles) or bool(self.scopes)

    @property
    def inputs(self) -> dict[str, object]:
        """What they decide by, for the record."""
        needed = {"roles": list(self.roles), "scopes": list(self.scopes)}
        return {"required": True, **{name: each for name, each in needed.items() if each}}


REQUIRED = Refusal(
    401, "credentials-required", "This needs credentials, and there are none.", "Send some."
)


def refuse_access(rules: AccessRules, principal: Principal) -> Refusal | None:
    """Say why *principal* may not call the handler; None: it may.

    Roles and scopes are text: compared as they are, letter by letter.
    """
    if not rules.needs_principal:
        return None
    if principal.is_anonymous:
        return REQUIRED
    if rules.roles and set(rules.roles).isdisjoint(principal.roles):
        return _forbidden(rules)
    if not set(rules.scopes) <= set(principal.scopes):
        return _forbidden(rules)
    return None


def _forbidden(rules: AccessRules) -> Refusal:
    """Name what is needed; what the caller holds is nobody's business (PO-1)."""
    needed: dict[str, object] = {}
    if rules.roles:
        needed["any-role"] = list(rules.roles)
    if rules.scopes:
        needed["all-scopes"] = list(rules.scopes)
    return Refusal(
        403,
        "forbidden",
        "The caller lacks a role or a scope that this needs.",
        "Ask for what `needed` lists.",
        {"needed": needed},
    )


def check_names(names: object, what: str) -> tuple[str, ...] | None:
    """Read `roles=` or `scopes=`; None stays None.

    Raises:
        PolicySyntaxError: something in it is no name.
    """
    if names is None:
        return None
    listed: list[Any] = [names]
    if isinstance(names, Iterable) and not isinstance(names, str):
        listed = list(names)
    for name in listed:
        if not isinstance(name, str) or not name or not name.isprintable() or " " in name:
            raise PolicySyntaxError(
                problem=f"{what}={names!r:.80} names something that is no text without blanks.",
                remedy=f'Write {what}=["orders:read"].',
            )
    return tuple(sorted(set(listed)))
