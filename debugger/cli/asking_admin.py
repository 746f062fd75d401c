"""Asks the admin listener of a server that runs."""

from typing import TypeVar

import httpx
import msgspec

from debugger.errors import UnavailableError, WriteRefusedError

T = TypeVar("T")
_LONG_S = 120.0
"""A start may take 30 s, and what is started is read first."""


class Reloaded(msgspec.Struct, frozen=True):
    """A module that was started anew."""

    module: str
    generation: int


class Serving(msgspec.Struct, frozen=True):
    """Which versions have requests that run."""

    serving: tuple[str, ...]


class _Refusal(msgspec.Struct):
    problem: str = "It was refused."
    remedy: str = "Look at the server's log."


def reload_module(address: str, name: str, token: str | None, *, force: bool) -> Reloaded:
    """Have a module started anew.

    Args:
        address: of the admin listener, `http://127.0.0.1:9090`.
        name: of the module.
        token: what the listener wants to be shown; None: nothing.
        force: also where handlers that run break.

    Raises:
        UnavailableError: nobody answers there.
        WriteRefusedError: it was not started anew; says why.
    """
    headers = {"timescape-reload": "force" if force else "safe"}
    return _asked("POST", address, f"/modules/{name}/reload", token, Reloaded, headers)


def serving(address: str, token: str | None) -> tuple[str, ...]:
    """Return the ids of the versions whose requests run there; see `reload_module`."""
    return _asked("GET", address, "/serving", token, Serving, {}).serving


def _asked(
    method: str, address: str, path: str, token: str | None, of: type[T], headers: dict[str, str]
) -> T:
    if token:
        headers["authorization"] = f"Bearer {token}"
    target = f"{address.rstrip('/')}{path}"
    try:
        answer = httpx.request(method, target, headers=headers, timeout=_LONG_S, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        msg = f"Nobody answers at {address[:200]}: {type(error).__name__}."
        raise UnavailableError(msg, "Name the admin listener of a server that runs.") from error
    try:
        if answer.status_code == httpx.codes.OK:
            return msgspec.json.decode(answer.content, type=of)
        refusal = msgspec.json.decode(answer.content, type=_Refusal)
    except msgspec.MsgspecError as error:
        msg = f"What answers at {address[:200]} is no admin listener."
        raise UnavailableError(msg, "Name one.") from error
    raise WriteRefusedError(refusal.problem, refusal.remedy)
