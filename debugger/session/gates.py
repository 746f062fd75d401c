"""Asks the process that serves about gates, by its admin listener (GA-1, GA-10, KB-4).

Its address stands in the log. A log that was brought from elsewhere may name anything, so only
loopback is taken from it; any other address has to be given.
"""

import http.client
import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import msgspec

from debugger.errors import (
    AlreadyReleasedError,
    BadInputError,
    DebuggerError,
    GatesOffError,
    NotFoundError,
    UnavailableError,
)
from debugger.session.control import control_streams
from debugger.session.session import Session
from runtime.gate_facts import GatesOpened
from runtime.gates import Wanted
from runtime.gates.views import GateView, Held
from runtime.lifecycle.editing import SetState

_TIMEOUT_S = 5.0
_MOST_OTHERS = 20
_OFF = "Serve the app with `timescape serve … --gates`."


class Done(msgspec.Struct, frozen=True):
    """An answer."""

    done: Any = None
    held: Held = Held()


class _Refused(msgspec.Struct, frozen=True):
    reason: str = ""
    problem: str = "It was refused."
    remedy: str = ""
    by: str = ""
    how: str = ""


_encode = msgspec.json.Encoder(decimal_format="number").encode
_done = msgspec.json.Decoder(Done).decode
_refused = msgspec.json.Decoder(_Refused).decode


class GateDesk:
    """What one debugger asks of the processes of an app. Its calls block: not for an event loop.

    A gate is armed at the first of them; all others hold requests for it as well.

    Args:
        address: of an admin listener, `http://127.0.0.1:9090`.
        token: what it wants to be shown; None: nothing.
        owner: a text that no other debugger uses; its heartbeat keeps its gates armed.
        by: who asks.
        others: addresses of other processes that serve from the same log.
    """

    def __init__(
        self,
        address: str,
        token: str | None,
        *,
        owner: str,
        by: str,
        others: Sequence[str] = (),
    ) -> None:
        self.address = address
        self._others = others
        self._token = token
        self._owner = owner
        self._by = by

    def look(self) -> Held:
        """Return all gates and all requests that are held."""
        return self._with_others(self._ask("beat").held)

    def beat(self) -> Held:
        """Say that this debugger lives; see `look`."""
        return self._with_others(self._ask("beat", owner=self._owner).held)

    def _with_others(self, held: Held) -> Held:
        """Add what is held at the other processes that answer."""
        gates = {each.gate: each for each in held.gates}
        paused = {each.pause: each for each in held.paused}
        for address in self._others:
            with suppress(GatesOffError, UnavailableError):
                there = self._ask("beat", at=address).held
                paused.update((each.pause, each) for each in there.paused)
                for each in there.gates:
                    known = gates.get(each.gate)
                    gates[each.gate] = each if known is None else _both(known, each)
        return Held(tuple(gates.values()), tuple(paused.values()))

    def arm(self, wanted: Wanted) -> str:
        """Arm a gate, for requests that come from now on; return its id.

        Raises:
            BadInputError: it cannot be.
        """
        gate: str = self._ask("arm", owner=self._owner, wanted=wanted).done["gate"]
        return gate

    def disarm(self, gate: str) -> Held:
        """Disarm a gate; what it holds goes on.

        Raises:
            NotFoundError: there is none.
        """
        return self._ask("disarm", of=gate).held

    def release(self, of: str, how: str, *, edits: Sequence[SetState] = (), fork: str = "") -> str:
        """Let a request go on; return which pause it was.

        Raises:
            AlreadyReleasedError: somebody was first.
            NotFoundError: nothing of this name is held.
            BadInputError: the edits cannot be made; it is still held.
        """
        done: str = self._found("release", of=of, how=how, edits=edits, fork=fork).done
        return done

    def extend(self, of: str, seconds: float) -> float:
        """Let a request be held for longer; return the seconds left. See `release`."""
        done: float = self._found("extend", of=of, seconds=seconds).done
        return done

    def _found(self, do: str, **fields: Any) -> Done:
        """Ask whichever process holds what is asked about."""
        try:
            return self._ask(do, **fields)
        except NotFoundError:
            for address in self._others:
                with suppress(NotFoundError, GatesOffError):
                    return self._ask(do, at=address, **fields)
            raise

    def _ask(self, do: str, *, at: str = "", **fields: Any) -> Done:
        address = at or self.address
        status, said = self._post(address, _encode({"do": do, "by": self._by, **fields}))
        try:
            if status == http.client.OK:
                return _done(said)
            refused = _refused(said)
        except msgspec.DecodeError as error:
            problem = f"{address} gave an answer that is none."
            raise UnavailableError(problem, "Is it an admin listener of Timescape?") from error
        raise _error(status, refused)

    def _post(self, address: str, body: bytes) -> tuple[int, bytes]:
        there = urlsplit(address)
        headers = {"content-type": "application/json"}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        connection = http.client.HTTPConnection(
            there.hostname or "", there.port, timeout=_TIMEOUT_S
        )
        try:
            connection.request("POST", "/gates", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            problem = f"The process that served with gates at {address} does not answer."
            raise GatesOffError(problem, _OFF) from error
        finally:
            connection.close()


def _both(one: GateView, other: GateView) -> GateView:
    hits, paused = one.hits + other.hits, one.paused + other.paused
    processes = one.processes + other.processes
    return msgspec.structs.replace(one, hits=hits, paused=paused, processes=processes)


def _error(status: int, refused: _Refused) -> DebuggerError:
    if refused.reason == "released":
        return AlreadyReleasedError(refused.problem, refused.by, refused.how)
    if status == http.client.UNAUTHORIZED:
        return UnavailableError(refused.problem, "Set TIMESCAPE_ADMIN_TOKEN to that of the server.")
    kinds: dict[str, type[DebuggerError]] = {
        "gates-off": GatesOffError, "no-such": NotFoundError, "bad-input": BadInputError,
    }  # fmt: skip
    return kinds.get(refused.reason, UnavailableError)(refused.problem, refused.remedy)


def address_of(session: Session, given: str | None = None) -> str:
    """Return where the process that serves takes questions about gates.

    Args:
        session: of its log.
        given: an address; None: the one in the log.

    Raises:
        GatesOffError: none stands there.
        BadInputError: that in the log leads elsewhere than to this machine, or *given* is none.
    """
    if given is not None:
        return _checked(given)
    found = [
        (event.at_us, event.position, event.data.address)
        for stream in control_streams(session)
        for event in session.store.read(stream)
        if isinstance(event.data, GatesOpened)
    ]
    if not found:
        problem = "No process that records to this store takes gates."
        raise GatesOffError(problem, _OFF)
    address = _checked(max(found)[2])
    if not _is_loopback(urlsplit(address).hostname or ""):
        problem = f"The log names {address[:80]}, which is not this machine."
        raise BadInputError(problem, f"If it is meant: --admin {address[:80]}.")
    return address


def other_addresses(session: Session, address: str) -> tuple[str, ...]:
    """Return where other processes take questions that serve from *session*'s log, on this machine.

    The last of each node, as far as the log says; some may have ended.
    """
    found: dict[str, str] = {}
    for stream in control_streams(session):
        for event in session.store.read(stream):
            if isinstance(event.data, GatesOpened) and event.data.node:
                found[event.data.node] = event.data.address
    local = [each for each in found.values() if _is_local(each) and each != address]
    return tuple(dict.fromkeys(local))[-_MOST_OTHERS:]


def _is_local(address: str) -> bool:
    try:
        return _is_loopback(urlsplit(_checked(address)).hostname or "")
    except BadInputError:
        return False


def _checked(address: str) -> str:
    try:
        there = urlsplit(address)
        fits = there.scheme == "http" and bool(there.hostname) and there.port is not None
    except ValueError:
        fits = False
    if not fits:
        problem = f"{address[:80]!r} is no address of an admin listener."
        raise BadInputError(problem, "Write http://127.0.0.1:9090.")
    return address


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
