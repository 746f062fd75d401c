"""What a request of a test gave, and what may be claimed of it (TH-3, TH-8)."""

from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType
from typing import Any, Self, TypeAlias

import msgspec

from eventstore import Event
from eventstore.values import decode
from runtime import facts as names
from runtime.context import REQUEST_REDUCER, RequestState
from runtime.errors import NotReplayableError
from runtime.lifecycle.problems import code_of
from runtime.lifecycle.topics import LOG
from runtime.messages import HttpError
from runtime.replay import Replay
from runtime.replay.divergence import payload_text
from runtime.testing.patterns import first_gap

_AROUND = 12
"""Facts of a trace that a failed claim shows."""
RunAgain: TypeAlias = Callable[[Sequence[Event], str | None], Replay]
"""Runs recorded facts again, by a version or by the one that ran."""


class Effect(msgspec.Struct, frozen=True):
    """Something a handler asked of the outside."""

    n: int
    kind: str
    name: str
    args: Any
    value: Any = None
    error: str | None = None


class Result(msgspec.Struct, frozen=True):
    """An answer, and all that the request wrote."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    facts: Sequence[Event] = ()
    """As the log gives them back; none of a request that was refused at the edge."""
    left_out: Sequence[str] = ()
    """Ids of the hooks that were left out, because the test said so."""
    error: BaseException | None = None
    """What it failed with, as it was raised; None: it did not fail, or was refused at the edge."""
    run_again: RunAgain | None = None
    """What `replay` asks."""

    # --- what there is ---

    @property
    def json(self) -> Any:
        """The body, decoded; None without one."""
        return msgspec.json.decode(self.body) if self.body else None

    @property
    def code(self) -> str | None:
        """Of a problem document."""
        found = self.json if "problem+json" in self.headers.get("content-type", "") else {}
        code: str | None = found.get("code")
        return code

    @property
    def types(self) -> list[str]:
        """The facts' names."""
        return [event.type for event in self.facts]

    @property
    def state(self) -> dict[str, Any]:
        """The values of the context at the end."""
        return _values(self.moment(len(self.facts)))

    def moment(self, n: int) -> RequestState:
        """Return the state after the first *n* facts."""
        return REQUEST_REDUCER.apply_all(REQUEST_REDUCER.initial(), self.facts[:n])

    @property
    def snapshots(self) -> dict[str, dict[str, Any]]:
        """The values at each snapshot, by its name."""
        named = self.moment(len(self.facts)).snapshots
        return {name: _values(self.moment(revision)) for name, revision in named.items()}

    @property
    def effects(self) -> list[Effect]:
        """What was asked of the outside, in order."""
        found: dict[int, Effect] = {}
        for event in self.facts:
            data = event.data
            if isinstance(data, names.EffectRequested):
                found[data.n] = Effect(data.n, data.kind, event.key or "", data.args)
            elif isinstance(data, names.EffectReturned) and data.n in found:
                value = decode(data.value)
                found[data.n] = msgspec.structs.replace(found[data.n], value=value)
            elif isinstance(data, names.EffectFailed) and data.n in found:
                error = data.failure.error
                found[data.n] = msgspec.structs.replace(found[data.n], error=error)
        return list(found.values())

    @property
    def hooks(self) -> list[str]:
        """Ids of the hooks as they started; once for each attempt."""
        return [e.key or "" for e in self.facts if isinstance(e.data, names.HookStarted)]

    @property
    def is_unexpected(self) -> bool:
        """Whether it failed with what nobody answers so: an exception that becomes a 500."""
        error = self.error
        return error is not None and not isinstance(error, HttpError) and code_of(error)[0] == 500

    @property
    def failure(self) -> names.Failure | None:
        """What failed first in user code, as it is recorded."""
        return self.moment(len(self.facts)).failure

    @property
    def logs(self) -> list[Any]:
        """What was written with `lctx.log`, in order: level, message and fields."""
        return [
            decode(event.data.payload)
            for event in self.facts
            if isinstance(event.data, names.EventPublished) and event.key == LOG
        ]

    @property
    def compensated(self) -> list[str]:
        """Names of the compensations that ran, in order."""
        known = {
            event.key: event.data.name
            for event in self.facts
            if isinstance(event.data, names.CompensationRegistered)
        }
        ran = [e.key for e in self.facts if isinstance(e.data, names.CompensationRan)]
        return [known.get(key, key or "") for key in ran]

    def replay(self, version: str | None = None) -> Replay:
        """Run the request again, by the code as it is; nothing is performed.

        Args:
            version: an edition, a version id or `latest`; None: the one that ran.

        Raises:
            NotReplayableError: no handler was run, or the code reads what was not recorded.
            UnknownVersionError: the app has no such version.
        """
        if self.run_again is None or not self.facts:
            raise NotReplayableError(
                problem="The request left nothing that could be run again.",
                remedy="Replay what a harness sent and its app let in.",
            )
        return self.run_again(self.facts, version)

    def explain(self, first: int = 0, count: int | None = None) -> str:
        """Tell the facts, a line each.

        Args:
            first: how many are left out at the beginning.
            count: how many are told; None: all.
        """
        end = None if count is None else first + count
        told = [f"without the hooks {', '.join(self.left_out)}"] if self.left_out else []
        told += [f"#{n} {payload_text(e)}" for n, e in enumerate(self.facts[first:end], first + 1)]
        return "\n".join(told)

    # --- claims ---

    def assert_status(self, status: int) -> Self:
        """Claim that it was answered with *status*."""
        if self.status != status:
            said = "" if self.code is None else f" `{self.code}`: {self.json.get('detail', '')}"
            self._fail(f"expected {status}, got {self.status}{said}", len(self.facts) - _AROUND)
        return self

    def assert_body(self, expected: Any) -> Self:
        """Claim what the body is, as plain JSON data; Structs are compared as such."""
        plain = msgspec.json.decode(msgspec.json.encode(expected))
        if self.json != plain:
            self._fail(f"expected the body {plain!r}, got {self.json!r}", len(self.facts) - _AROUND)
        return self

    def assert_state(self, **values: Any) -> Self:
        """Claim values of the context at the end; others may be there, too."""
        state = self.state
        for name, value in values.items():
            if name not in state or state[name] != value:
                got = repr(state[name]) if name in state else "nothing"
                self._fail(f"expected {name} = {value!r}, got {got}", self._first_about(name))
        return self

    def assert_facts(self, *pattern: str | EllipsisType) -> Self:
        """Claim the names of the facts, in order; `...` stands for any number of any."""
        gap = first_gap(self.types, pattern)
        if gap is not None:
            at, wanted = gap
            got = self.types[at] if at < len(self.types) else "the end"
            self._fail(f"expected {wanted or 'the end'}, got {got}, at #{at + 1}", at)
        return self

    def assert_effects(self, *names: str) -> Self:
        """Claim what was asked of modules, in order."""
        found = [each.name for each in self.effects if each.kind == "module"]
        if found != list(names):
            self._fail(f"expected the effects {list(names)}, got {found}", 0)
        return self

    def assert_no_effects(self) -> Self:
        """Claim that no module was asked anything."""
        return self.assert_effects()

    def assert_compensated(self, *names: str) -> Self:
        """Claim which compensations ran, in order."""
        if self.compensated != list(names):
            self._fail(f"expected to be undone: {list(names)}, was: {self.compensated}", 0)
        return self

    def _first_about(self, key: str) -> int:
        return next((n for n, event in enumerate(self.facts) if event.key == key), 0)

    def _fail(self, problem: str, first: int) -> None:
        first = max(0, first)
        trace = self.explain(first, _AROUND)
        raise AssertionError(f"{problem}\n{trace}" if trace else problem)


def raised(result: Result) -> Result:
    """Return *result*, if it did not fail with what nobody expected.

    Raises:
        BaseException: what it failed with.
    """
    if result.error is not None and result.is_unexpected:
        raise result.error
    return result


def _values(state: RequestState) -> dict[str, Any]:
    return {name: decode(tree) for name, tree in state.values.items()}
