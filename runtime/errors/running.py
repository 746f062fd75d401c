"""What a request, or running it again, may run into."""

from typing import Self

from runtime.errors.root import TimescapeError


class RequestTimedOutError(TimescapeError, TimeoutError):
    """The request's deadline passed (CN-2)."""

    code = "RT401"


class HookTimedOutError(TimescapeError, TimeoutError):
    """A hook, compensation or cleanup took longer than it may (HO-8)."""

    code = "RT402"


class ModuleContractError(TimescapeError):
    """A module's answer cannot be recorded or is not what it declares (EF-5)."""

    code = "RT403"


class CapabilityDeniedError(TimescapeError, PermissionError):
    """A handler used what its `modules=` does not name (MG-6), or a module what it lacks (CP-1)."""

    code = "RT420"
    __str__ = Exception.__str__


class RecordedError(TimescapeError):
    """An error of an effect, as it was recorded (EF-3)."""

    code = "RT404"


class StreamTooLongError(TimescapeError):
    """A request with more facts than a stream may hold (LC-8)."""

    code = "RT405"


class RequestStoppedError(TimescapeError):
    """The request was stopped from outside: shutdown, a client gone, a cancelled task."""

    code = "RT407"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The request was stopped: {reason}.", "Send it again.")

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:  # type: ignore[override]
        return type(self), (self.reason,)


class GateFailedError(TimescapeError):
    """Somebody let the request fail at a gate (GA-8)."""

    code = "RT416"


class GateRefusedError(TimescapeError):
    """A gate cannot be armed so, or what was asked of one cannot be (GA-1…11).

    Attributes:
        reason: bad-input, no-such, released.
        by: of what was released already: who did it.
        how: likewise, how.
    """

    code = "RT417"

    def __init__(
        self, reason: str, problem: str, remedy: str = "", by: str = "", how: str = ""
    ) -> None:
        self.reason = reason
        self.by = by
        self.how = how
        super().__init__(problem, remedy)

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str, str, str]]:  # type: ignore[override]
        return type(self), (self.reason, self.problem, self.remedy, self.by, self.how)


class SecretUnavailableError(TimescapeError, LookupError):
    """A secret that no provider has; names it and nothing else (EF-4)."""

    code = "RT408"


class MetricError(TimescapeError, ValueError):
    """A metric was asked for, or given, what it cannot be (OB-1)."""

    code = "RT471"


class SecretsConfigError(TimescapeError, ValueError):
    """Secrets are to come from nowhere, or from where they cannot (SE-1)."""

    code = "RT470"


class UnrecordedEffectError(TimescapeError, RuntimeError):
    """Code of a handler or hook reached the outside past its contexts (EF-6)."""

    code = "RT409"


class DivergenceError(TimescapeError):
    """Re-execution parted from the record (RX-3)."""

    code = "RT406"


class NotReplayableError(TimescapeError):
    """The record does not hold what it takes to run the request again (RX-10)."""

    code = "RT410"


class NotRecordedError(NotReplayableError):
    """Code that runs again reads a value that was left out of the record (RX-10)."""


class EffectUnavailableError(TimescapeError):
    """A re-execution asked for an effect that record and stubs have no answer for (RX-6)."""

    code = "RT411"


class ReplayLimitError(TimescapeError):
    """A re-execution used up the CPU time it may take (RX-10)."""

    code = "RT412"


class InvalidEditError(TimescapeError, ValueError):
    """What a fork should change cannot be changed so; names every fault (RX-5).

    Attributes:
        issues: a sentence each.
    """

    code = "RT413"

    def __init__(self, issues: tuple[str, ...]) -> None:
        self.issues = issues
        many = len(issues) > 1
        problem = (
            "\n".join((f"{len(issues)} edits cannot be made:", *issues)) if many else issues[0]
        )
        super().__init__(problem, "Nothing was made. Correct what is named.")

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[str, ...]]]:  # type: ignore[override]
        return type(self), (self.issues,)


class UnknownVersionError(TimescapeError, LookupError):
    """The app has no such version of the handler."""

    code = "RT414"


class UnknownRequestError(TimescapeError, LookupError):
    """The store has no such request (RX-10)."""

    code = "RT415"
