"""The grammar of a request's stream (HO-1), read by the most naive parser there is.

It knows the stored names and fields only: nothing of the runtime is asked.
"""

from collections.abc import Sequence
from typing import Any

from eventstore import Event

STARTS = {"hook.started": "hook", "handler.started": "handler"}
ENDS = {"hook.ended": "hook", "hook.failed": "hook"}
ENDS |= {"handler.ended": "handler", "handler.failed": "handler"}
TERMINAL = {"response.sent", "request.aborted"}
USER = {
    "context.set", "context.edited", "context.deleted", "context.cleaned", "context.snapshotted",
    "context.restored", "event.published", "message.published",
    "effect.requested", "effect.returned",
    "effect.failed", "hook.registered", "compensation.registered", "compensation.cancelled",
}  # fmt: skip
ORDER = ["before", "handler", "after", "catch"]


class GrammarError(AssertionError):
    """A stream that no request can have."""


def check_stream(facts: Sequence[Event]) -> None:
    """Read a whole stream.

    Raises:
        GrammarError: it does not parse; names the revision.
    """
    _Parser(facts).parse()


class _Parser:
    def __init__(self, facts: Sequence[Event]) -> None:
        self.facts = facts
        self.open: tuple[str, str | None] | None = None
        self.attempts: dict[str | None, int] = {}
        self.limits: dict[str | None, int] = {}
        self.begins_us: dict[str | None, int] = {}
        self.effects: dict[int, str | None] = {}
        self.answered: set[int] = set()
        self.compensations: list[str | None] = []
        self.failing = False
        self.stage = 0

    def parse(self) -> None:
        self.require(self.facts, 0, "an empty stream")
        self.require(self.facts[0].type == "request.received", 1, "does not begin with it")
        for number, fact in enumerate(self.facts, 1):
            self.require(fact.revision == number, number, "revisions have a gap")
            self.require(
                (fact.type in TERMINAL) == (number == len(self.facts)),
                number,
                "the terminal fact is not the last and only one",
            )
            if number > 1:
                self.require(fact.type != "request.received", number, "received twice")
            before = self.facts[number - 2].at_us if number > 1 else 0
            self.require(fact.at_us >= before, number, "time goes back")
            self.step(number, fact)
        self.require(self.open is None, len(self.facts), f"{self.open} never ended")

    def step(self, number: int, fact: Event) -> None:
        if fact.type in STARTS:
            self.start(number, fact)
        elif fact.type in ENDS:
            self.end(number, fact)
        elif fact.type.startswith("effect."):
            self.effect(number, fact)
        elif fact.type.startswith("compensation."):
            self.compensation(number, fact)
        elif fact.type == "phase.changed" and fact.key == "failing":
            self.require(not self.failing, number, "fails twice")
            self.require(self.open is None, number, "the failure path begins within a span")
            self.failing = True
        elif fact.type.startswith("cleanup."):
            self.require(self.open is None, number, "a cleanup within a span")

    def start(self, number: int, fact: Event) -> None:
        self.require(self.open is None, number, f"begins within {self.open}")
        what = fact.data.kind if fact.type == "hook.started" else "handler"
        stage = ORDER.index(what)
        self.require(stage >= self.stage, number, f"{what} after {ORDER[self.stage]}")
        self.require((what == "catch") == self.failing, number, f"{what} on the wrong path")
        self.stage = stage
        self.open = (STARTS[fact.type], fact.key)
        if fact.type == "hook.started":
            attempt = self.attempts.get(fact.key, 0) + 1
            self.require(fact.data.attempt == attempt, number, "attempts are not numbered")
            self.require(attempt <= self.limits.get(fact.key, 1), number, "an attempt too many")
            self.attempts[fact.key] = attempt
            early = fact.at_us < self.begins_us.get(fact.key, 0)
            self.require(not early, number, "an attempt before its time")

    def end(self, number: int, fact: Event) -> None:
        opened = (ENDS[fact.type], fact.key)
        self.require(self.open == opened, number, f"ends {opened}, open is {self.open}")
        self.open = None
        if fact.type == "hook.failed":
            data = fact.data
            self.require(data.attempt == self.attempts[fact.key], number, "another attempt's end")
            self.require(
                not data.will_retry or data.attempt < data.of, number, "retries past the last"
            )
            self.limits[fact.key] = data.of if data.will_retry else data.attempt
            self.require(not data.wait_s or data.will_retry, number, "waits for nothing")
            self.begins_us[fact.key] = fact.at_us + round(data.wait_s * 1_000_000)
        elif fact.type == "hook.ended":
            self.limits[fact.key] = self.attempts[fact.key]

    def effect(self, number: int, fact: Event) -> None:
        n: int = fact.data.n
        if fact.type == "effect.requested":
            self.require(n == len(self.effects) + 1, number, "effects are not numbered")
            self.effects[n] = fact.key
            return
        self.require(n in self.effects, number, "an answer to no question")
        self.require(self.effects[n] == fact.key, number, "an answer to another question")
        self.require(n not in self.answered, number, "answered twice")
        self.answered.add(n)

    def compensation(self, number: int, fact: Event) -> None:
        if fact.type == "compensation.registered":
            self.require(not self.failing, number, "registered while failing")
            self.compensations.append(fact.key)
        elif fact.type == "compensation.cancelled":
            self.require(fact.key in self.compensations, number, "cancels nothing")
            self.compensations.remove(fact.key)
        elif fact.type == "compensation.retried":
            self.require(self.failing, number, "undone without a failure")
            self.require(fact.key == self.compensations[-1], number, "not the last one registered")
            attempt = self.attempts.get(fact.key, 0) + 1
            crashed = self.facts[-1].type == "request.aborted"
            # Who ends what a crash left begins anew.
            expected = {attempt, 1} if crashed else {attempt}
            self.require(fact.data.attempt in expected, number, "not that attempt")
            self.require(fact.data.attempt < fact.data.of, number, "retries past the last")
            self.attempts[fact.key] = fact.data.attempt
        else:
            self.require(self.failing, number, "undone without a failure")
            last = self.compensations.pop() if self.compensations else None
            self.require(fact.key == last, number, "not the last one registered")

    def require(self, holds: Any, number: int, problem: str) -> None:
        if not holds:
            said = [f"{fact.revision} {fact.type} {fact.key}" for fact in self.facts]
            msg = f"Fact {number}: {problem}.\n" + "\n".join(said)
            raise GrammarError(msg)
