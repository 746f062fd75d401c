"""Answers effects of a run that is done again: from its record, from stubs; never by itself.

While the run follows its record an effect gets the answer of its number, when it is that
answer's turn. Past the first difference it gets the answer that the same question got the
same time before (RX-6), after as long as it took then.
"""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, Protocol

import msgspec

from eventstore import Event, StreamId
from eventstore.redaction import HASHED
from eventstore.values import Redacted, Sealed, Tree, Viewer, Withheld
from runtime.effects import Outside
from runtime.effects.failures import error_of
from runtime.errors import EffectUnavailableError, ModuleContractError, RPCError
from runtime.facts import EffectFailed, EffectRequested, EffectReturned
from runtime.modules import CALL, Method
from runtime.queue import Asked, Offer
from runtime.replay.divergence import is_hidden, plain
from runtime.secrets import PLACEHOLDER, Reading, Readings, Wish, readings_of

_NOT_ANSWERS = frozenset({"CancelledError"})
"""Failures that the request's own end brings about, again in every run."""
_encode = msgspec.json.Encoder().encode
Question = tuple[str, str, bytes]
"""Kind, name and arguments of an effect."""


class Progress(Protocol):
    """How far the run is."""

    loose: bool
    """Whether it has left its record."""

    def written(self) -> int:
        """Return how many facts there are."""
        ...

    def virtual_us(self) -> int:
        """Return the virtual time in µs since 1970."""
        ...

    def withhold(self, what: str) -> Withheld:
        """Return a stand-in for something that the record does not have."""
        ...


class Given(msgspec.Struct, frozen=True):
    """What answers effects besides the record."""

    edited: Mapping[int, Tree] = {}
    """Number of a recorded effect to the answer it gets instead."""
    stubs: Mapping[str, Any] = {}
    """Name of an effect, `pricing.quote`, to its answer, or to a function that makes it."""
    live: Set[str] = frozenset()
    """Names of effects that are performed, once the run has left its record."""
    until: int | None = None
    """With *beyond*: the last revision whose answers are the record's."""
    beyond: Outside | None = None
    """Answers effects that had no answer at *until*, instead of the record."""


class Answers:
    """Gives each effect its answer; see the module's words.

    Args:
        events: of the stream, from its first on.
        viewer: decodes what modules answered.
        progress: of the run.
        given: what else answers.
    """

    def __init__(
        self, events: Iterable[Event], viewer: Viewer, progress: Progress, given: Given
    ) -> None:
        self._viewer = viewer
        self._progress = progress
        self._given = given
        self.unavailable: list[str] = []
        """Names of effects that nobody had an answer for."""
        self._answers: dict[int, Event] = {}
        self._cut_short: dict[int, Event] = {}
        """Effects that the record cancels before any other answer counts: nobody is asked."""
        self._asked_us: dict[int, int] = {}
        self._known: dict[Question, list[int]] = {}
        self._uses: Counter[Question] = Counter()
        self._same: dict[int, int] = {}
        self._waiting: dict[int, asyncio.Future[None]] = {}
        for event in events:
            self._keep(event)

    def _keep(self, event: Event) -> None:
        fact = event.data
        if isinstance(fact, EffectRequested):
            self._known.setdefault(_question(fact, event.key), []).append(fact.n)
            self._asked_us[fact.n] = event.at_us
        if not isinstance(fact, EffectReturned | EffectFailed):
            return
        cut_short = isinstance(fact, EffectFailed) and fact.failure.error in _NOT_ANSWERS
        given = self._given
        too_late = given.beyond is not None and event.revision > (given.until or 0)
        if not cut_short and not too_late:
            self._answers[fact.n] = event
        elif cut_short and not too_late:
            self._cut_short[fact.n] = event

    def asked(self, fact: EffectRequested, key: str | None, recorded: object) -> EffectRequested:
        """Note that an effect is requested in this run, before it is answered.

        Args:
            fact: of the request.
            key: name of the effect.
            recorded: the record's next fact, while it is followed.

        Returns:
            The fact to write: it tells whether the effect is performed.
        """
        question = _question(fact, key)
        known, use = self._known.get(question, ()), self._uses[question]
        self._uses[question] += 1
        if use < len(known):
            self._same[fact.n] = known[use]
        was_live = isinstance(recorded, EffectRequested) and recorded.live
        if was_live or (self._progress.loose and key in self._given.live):
            return msgspec.structs.replace(fact, live=True)
        return fact

    # --- the port ---

    def now_us(self, n: int) -> int:
        """Return the time that was read then; past the record's times the virtual one."""
        event = self._find(n)
        if event is None:
            beyond = self._given.beyond
            return self._progress.virtual_us() if beyond is None else beyond.now_us(n)
        instant: dt.datetime = self._value(event)
        return round(instant.timestamp() * 1_000_000)

    async def sleep(self, n: int, seconds: float) -> None:
        """Wait until it is this answer's turn; past the record in virtual time."""
        event, beyond = self._find(n), self._given.beyond
        if self._progress.loose or (event is None and self._may_ask(n)):
            await (asyncio.sleep(seconds) if beyond is None else beyond.sleep(n, seconds))
        elif event is not None:
            await self._turn(event)
        else:
            await self._until_cancelled(n)

    async def call(
        self, n: int, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Return or raise what the method did."""
        if self._progress.loose and method.qualified in self._given.live:
            return await _perform(method, args, kwargs)
        event = self._find(n)
        if event is not None:
            await self._turn(event)
            hosted = CALL.get()
            if hosted is not None:
                hosted.attempts = event.data.attempts
            return self._given_by(event, method)
        if self._given.beyond is not None and self._may_ask(n):
            return await self._given.beyond.call(n, method, args, kwargs)
        if not self._progress.loose:
            await self._until_cancelled(n)
        return self._stubbed(method.qualified, args, kwargs)

    async def secrets(self, n: int, wish: Wish) -> Readings:
        """Return placeholders of the versions that were read: no record holds a secret."""
        event = self._find(n)
        if event is not None:
            await self._turn(event)
            if isinstance(event.data, EffectFailed):
                raise error_of(event.data.failure, lambda _: None)
            return readings_of(wish, self._value(event))
        if self._given.beyond is not None and self._may_ask(n):
            return await self._given.beyond.secrets(n, wish)
        if not self._progress.loose:
            await self._until_cancelled(n)
        # Whatever it is, code that runs again gets no more than a placeholder (EF-4).
        return dict.fromkeys(wish.names, Reading(PLACEHOLDER))

    async def publish(self, n: int, stream: StreamId, offer: Offer) -> None:
        """Let it be published where it was, and refuse it where it was refused."""
        event = self._find(n)
        if event is not None:
            await self._turn(event)
            if isinstance(event.data, EffectFailed):
                raise error_of(event.data.failure, lambda _: None)
        elif not self._progress.loose:
            await self._until_cancelled(n)

    async def ask(self, n: int, asked: Asked) -> Any:
        """Return the result that came then, or raise what came instead; ask nobody."""
        event = self._find(n)
        if event is not None:
            await self._turn(event)
            if isinstance(event.data, EffectFailed) and n not in self._given.edited:
                raise error_of(event.data.failure, lambda _: None)
            return self._value(event)
        if self._given.beyond is not None and self._may_ask(n):
            return await self._given.beyond.ask(n, asked)
        if not self._progress.loose:
            await self._until_cancelled(n)
        return self._stubbed(asked.offer.topic.name, (asked.fact.payload,), {})

    # --- where answers come from ---

    def _may_ask(self, n: int) -> bool:
        """Say whether others may be asked for an answer that the record does not have."""
        cut_short = n in self._cut_short and not self._progress.loose
        return self._given.beyond is not None and not cut_short

    def _find(self, n: int) -> Event | None:
        if self._progress.loose and self._given.beyond is None:
            return self._answers.get(self._same.get(n, 0))
        return self._answers.get(n)

    def _stubbed(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if name not in self._given.stubs:
            self.unavailable.append(name)
            msg = f"The record has no answer for this call of {name}."
            raise EffectUnavailableError(
                msg, f"Give one (--stub {name}=JSON), or let it happen (--live {name})."
            )
        stub = self._given.stubs[name]
        return stub(*args, **kwargs) if callable(stub) else stub

    def _given_by(self, event: Event, method: Method) -> Any:
        if isinstance(event.data, EffectFailed) and event.data.n not in self._given.edited:
            raise _as_it_was(error_of(event.data.failure, method.find_error), event)
        stand_ins: list[Withheld] = []

        def withhold() -> Withheld:
            stand_ins.append(self._progress.withhold(f"the answer of {event.key}"))
            return stand_ins[-1]

        value = _withheld(self._value(event), withhold)
        if stand_ins:
            try:
                method.check(value)
            except ModuleContractError:
                # What was taken out since cannot be checked: that is a look at it.
                bool(stand_ins[0])
        return value

    def _value(self, event: Event) -> Any:
        tree = self._given.edited.get(event.data.n, getattr(event.data, "value", None))
        return self._viewer.thaw(tree)

    # --- when ---

    async def _turn(self, event: Event) -> None:
        if self._progress.loose:
            took_us = event.at_us - self._asked_us.get(event.data.n, event.at_us)
            await asyncio.sleep(took_us / 1_000_000)
        elif event.revision > self._progress.written() + 1:
            turn = asyncio.get_running_loop().create_future()
            self._waiting[event.revision] = turn
            await turn

    async def _until_cancelled(self, n: int) -> None:
        """Wait for what ended it then: somebody cancelled it, or the request ended before it."""
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cut = self._cut_short.get(n)
            if cut is not None and not self._progress.loose:
                # A group cancels its tasks in the order of a set: let them end as they did then.
                await self._turn(cut)
            raise

    def went_on(self) -> None:
        """Let an answer go whose turn has come: it is the record's next fact."""
        turn = self._waiting.pop(self._progress.written() + 1, None)
        if turn is not None and not turn.done():
            turn.set_result(None)

    def loosen(self, loop: asyncio.AbstractEventLoop, at_s: Callable[[int], float]) -> None:
        """Let all that wait go when they did: nobody follows the record any more.

        Args:
            loop: the run's.
            at_s: tells when, on the loop's clock, a revision was recorded.
        """
        for revision, turn in self._waiting.items():
            loop.call_at(at_s(revision), _go, turn)
        self._waiting.clear()


def _as_it_was(error: BaseException, event: Event) -> BaseException:
    if isinstance(error, RPCError):
        error.method, error.attempts = event.key or "", event.data.attempts
    return error


def _go(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_result(None)


def _question(fact: EffectRequested, key: str | None) -> Question:
    return fact.kind, key or "", _encode(_without_hidden(plain(fact.args)))


def _without_hidden(part: Any) -> Any:
    if is_hidden(part):
        return None
    if isinstance(part, dict):
        return {key: _without_hidden(value) for key, value in part.items()}
    return [_without_hidden(item) for item in part] if isinstance(part, list) else part


async def _perform(method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Really call *method*, in a thread: virtual time stands still meanwhile."""

    def call() -> Any:
        return asyncio.run(_awaited(method.call(*args, **kwargs)))

    return await asyncio.get_running_loop().run_in_executor(None, call)


async def _awaited(result: Any) -> Any:
    return await result if asyncio.iscoroutine(result) else result


def _withheld(value: Any, withhold: Callable[[], Withheld]) -> Any:
    """Put stand-ins where a recorded answer was redacted since."""
    kind = type(value)
    if kind is Redacted or kind is Sealed or (kind is str and value.startswith(HASHED)):
        return withhold()
    if issubclass(kind, msgspec.Struct):
        for name in kind.__struct_fields__:
            part = getattr(value, name)
            known = _withheld(part, withhold)
            if known is not part:
                msgspec.structs.force_setattr(value, name, known)
        return value
    if kind is dict:
        return {key: _withheld(item, withhold) for key, item in value.items()}
    if kind is list or kind is tuple:
        return kind(_withheld(item, withhold) for item in value)
    return value
