"""Builds the guard of an app: who can prove who they are, and what its log knows of limits."""

from collections.abc import Iterable, Sequence
from typing import Any

from eventstore import Store
from runtime.app.declarations import Declared
from runtime.app.guard_rules import unknown
from runtime.authentication import Authentication
from runtime.errors import AuthenticatorError
from runtime.ingress.guarding import Guard
from runtime.ingress.key_holders import KeyHolders
from runtime.ingress.shared_windows import SharedWindows
from runtime.ingress.windows import Windows, charged_since
from runtime.policies.windows import SECOND_US


class Authenticating:
    """What an app was told of who may call it.

    Args:
        name: of the app; challenges name it as the realm.
        auth: the authenticators.
        default: `open` or `required`, for handlers that say nothing.

    Raises:
        AuthenticatorError: one of them is none, or nobody could ever call.
        PolicySyntaxError: *default* is neither.
    """

    def __init__(self, name: str, auth: Iterable[Any], default: str) -> None:
        if default not in {"open", "required"}:
            raise unknown("auth_default", default, '"open" or "required"')
        listed = tuple(auth)
        self.required = default == "required"
        self.authentication = Authentication(name, listed) if listed else None

    def refuse_unreachable(self, declared: Iterable[Declared]) -> None:
        """Refuse handlers that ask for a principal where nobody can prove one.

        Raises:
            AuthenticatorError: lists them.
        """
        if self.authentication is not None:
            return
        closed = [
            f"{each.template.text} ({each.place})"
            for each in declared
            if each.rules.access.needs_principal
        ]
        if closed:
            raise AuthenticatorError(
                problem=f"Nobody can call {', '.join(closed)}: the app has no authenticators.",
                remedy="Give it some: App(auth=[Jwt(…)]).",
            )


def guard_of(
    app: str,
    authenticating: Authenticating,
    declared: Sequence[Declared],
    store: Store,
    now_us: int,
) -> Guard:
    """Build the guard of an app, its windows as the log left them (RL-5).

    Raises:
        EventStoreError: the log cannot be read.
    """
    if store.nodes is not None:
        shared = SharedWindows(app, store.nodes)
        return Guard(authenticating.authentication, shared, KeyHolders(app, store))
    windows = Windows()
    lengths = [limit.window_s for each in declared for limit in each.rules.limits]
    if lengths:
        windows.restore(charged_since(store, now_us - max(lengths) * SECOND_US))
    return Guard(authenticating.authentication, windows, KeyHolders(app, store))
