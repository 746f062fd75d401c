"""Builds the guard of an app: who can prove who they are, and what its log knows of limits."""

from collections.abc import Iterable, Sequence
from typing import Any

from eventstore import Clock, Store, StreamId, named_stream
from runtime.app.declarations import Declared
from runtime.app.guard_rules import unknown
from runtime.app.life import ControlLog
from runtime.authentication import Authentication
from runtime.context import CONTROL, WINDOWS
from runtime.errors import AuthenticatorError
from runtime.ingress.cors import Cors
from runtime.ingress.counting import Recorded, Refusals
from runtime.ingress.guarding import Guard
from runtime.ingress.key_holders import KeyHolders
from runtime.ingress.proxies import Proxies
from runtime.ingress.shared_windows import SharedWindows
from runtime.ingress.window_keeping import WindowKeeping
from runtime.ingress.windows import Windows, charged_since
from runtime.policies.kept_windows import WINDOWS_REDUCER
from runtime.policies.windows import SECOND_US
from runtime.policy_facts import Charged


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


def believed(trusted: Iterable[str], field: str) -> Proxies | None:
    """Return the proxies of an app; None: it has none.

    Raises:
        PolicySyntaxError: one is no network, or the field is not known.
    """
    if isinstance(trusted, str):
        raise unknown("trusted_proxies", trusted, 'a list, ["10.0.0.0/8"]')
    listed = tuple(trusted)
    proxies = Proxies(listed, field)
    return proxies if listed else None


def origins_allowed(origins: Iterable[str], *, credentials: bool) -> Cors | None:
    """Return the origins that may call an app; None: no other than its own.

    Raises:
        PolicySyntaxError: one is no origin.
    """
    cors = Cors(origins, credentials=credentials)
    return cors if cors.allows_any else None


def counted_in(store: Store, app: str, clock: Clock, recorded: Recorded) -> Refusals | None:
    """Return what counts the refusals of an app, into a stream of its own; None: all are recorded.

    Raises:
        PolicySyntaxError: *recorded* is neither.
    """
    if recorded not in {"all", "counted"}:
        raise unknown("record_refusals", recorded, '"all" or "counted"')
    # No app has a name with a line break: it is not printable.
    stream = named_stream(CONTROL.name, f"{app}\nrefusals")
    return None if recorded == "all" else Refusals(ControlLog(store, stream, clock).tell)


def guard_of(
    app: str,
    authenticating: Authenticating,
    declared: Sequence[Declared],
    store: Store,
    clock: Clock,
) -> Guard:
    """Build the guard of an app, its windows as the log left them (RL-5).

    Raises:
        EventStoreError: the log cannot be read.
    """
    if store.nodes is not None:
        shared = SharedWindows(app, store.nodes)
        return Guard(authenticating.authentication, shared, KeyHolders(app, store))
    windows, keeping = Windows(), None
    lengths = [limit.window_s for each in declared for limit in each.rules.limits]
    if lengths:
        stream = named_stream(WINDOWS.name, app)
        keeping = WindowKeeping(store, stream, windows, clock)
        since_us = clock() - max(lengths) * SECOND_US
        windows.restore(_charged(store, stream, since_us, keeping))
    return Guard(authenticating.authentication, windows, KeyHolders(app, store), keeping)


def _charged(
    store: Store, stream: StreamId, since_us: int, keeping: WindowKeeping
) -> Iterable[tuple[str, str, Charged]]:
    """Give all charges that may count still: those that were told, and those of requests since."""
    kept = store.fold(WINDOWS_REDUCER, stream).state
    for each in kept.windows:
        yield each.handler, each.caller, Charged("", each.window_s, each.start, each.used)
    for handler, caller, charged in charged_since(store, since_us, kept.position):
        keeping.charged_before(handler, caller, charged)
        yield handler, caller, charged
