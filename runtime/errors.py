"""What the runtime refuses, and how each refusal is put right.

Codes `RT…`, hundreds by family; the standard error where callers expect one. Errors that
become an answer carry their HTTP status and problem code.
"""

from typing import ClassVar, Self


class TimescapeError(Exception):
    """Root of the tree: a problem and its remedy."""

    code: ClassVar[str] = "RT000"

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem} {remedy}".rstrip())

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return type(self), (self.problem, self.remedy)


# --- RT1xx registration: raised at start, never by a request ---


class RegistrationError(TimescapeError):
    """A handler, hook, module or route cannot be registered as declared.

    Attributes:
        errors: what is wrong, where that is several things.
    """

    code = "RT100"
    errors: tuple["TimescapeError", ...] = ()


class SignatureError(RegistrationError, TypeError):
    """A callable asks for a parameter that the runtime does not hand out (HW-1)."""

    code = "RT101"


class DuplicateHandlerError(RegistrationError):
    """The same route and version twice (HW-2)."""

    code = "RT102"


class RouteSyntaxError(RegistrationError, ValueError):
    """A route template that cannot be read (RM-1)."""

    code = "RT103"


class RouteConflictError(RegistrationError):
    """Two routes of one shape and method (RM-2)."""

    code = "RT104"


class VersionFormatError(RegistrationError, ValueError):
    """A version that is neither an edition nor a version id (TS-1, TS-2)."""

    code = "RT105"


class UnsupportedTypeError(RegistrationError, TypeError):
    """A request or answer type that cannot be checked (GT-2)."""

    code = "RT106"


class PolicySyntaxError(RegistrationError, ValueError):
    """A timeout or limit that cannot be read (MG-4)."""

    code = "RT107"


class DuplicateModuleError(RegistrationError):
    """A module name twice (GC-2)."""

    code = "RT108"


class ConstraintError(RegistrationError, ValueError):
    """A constraint that does not fit its type or contradicts itself (GT-13)."""

    code = "RT109"


class InvalidDefaultError(RegistrationError, ValueError):
    """A default that its own type refuses (GT-4)."""

    code = "RT110"


class HandlerIdClashError(RegistrationError):
    """Two routes with one handler id (MG-3)."""

    code = "RT111"


class SchemaTooLargeError(RegistrationError, ValueError):
    """A type that nests too deeply or is written too long (GT-3)."""

    code = "RT112"

    def __init__(self, place: str, measure: str) -> None:
        self.place = place
        self.measure = measure
        super().__init__(
            f"{place} has {measure}.", "Split it, or take parts of it as dict[str, Any]."
        )

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return type(self), (self.place, self.measure)


class PatternSyntaxError(RegistrationError, ValueError):
    """A pattern outside the syntax that RE2 and ECMA-262 share (GT-14)."""

    code = "RT113"

    def __init__(
        self,
        pattern: str,
        fault: str,
        remedy: str = "Look-around and back-references"
        " have no linear-time form: check the text in the handler.",
    ) -> None:
        self.pattern = pattern
        self.fault = fault
        super().__init__(f"Pattern {pattern[:80]!r} cannot be used: {fault}.", remedy)

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str]]:  # type: ignore[override]
        return type(self), (self.pattern, self.fault, self.remedy)


class UnsupportedGTypeVersionError(RegistrationError, ValueError):
    """A stored type written by a newer Timescape, or no stored type (GT-17)."""

    code = "RT114"


class ManifestError(RegistrationError, ValueError):
    """A manifest that cannot be read, or is not what its digests say (MG-9, MG-11)."""

    code = "RT115"


class CapabilityError(RegistrationError):
    """A handler uses what its `modules=` does not name (MG-6)."""

    code = "RT116"


class RegistrationWarning(UserWarning):
    """Something registered will run, but not as well as it could: repeated, or much longer."""


# --- RT2xx context: raised in user code ---


class ContextError(TimescapeError):
    """Misuse of a context."""

    code = "RT200"


class ReservedKeyError(ContextError, KeyError):
    """A key or topic that belongs to the runtime (LC-3, LC-12)."""

    code = "RT201"
    __str__ = Exception.__str__


class ContextKeyError(ContextError, ValueError):
    """A key that is empty, too long or not text (LC-8)."""

    code = "RT202"


class UnsupportedValueError(ContextError, TypeError):
    """A value that cannot be recorded (LC-4)."""

    code = "RT203"


class ValueTooLargeError(ContextError, ValueError):
    """A value or a whole state above its limit (LC-8)."""

    code = "RT204"


class EditConflictError(ContextError):
    """The key changed while its draft was open (LC-7)."""

    code = "RT205"


class ContextClosedError(ContextError):
    """The request has ended (LC-9)."""

    code = "RT206"


class HookPhaseClosedError(ContextError):
    """Too late to add a hook or compensation (HO-5, CN-5)."""

    code = "RT207"


class SnapshotNotFoundError(ContextError, LookupError):
    """No such snapshot (SN-4)."""

    code = "RT208"


class DuplicateSnapshotError(ContextError, ValueError):
    """A snapshot name twice in one stream (SN-2)."""

    code = "RT209"


class PatchError(ContextError, ValueError):
    """A patch that does not fit the value it is applied to (SN-6)."""

    code = "RT210"


class UnknownModuleError(ContextError, AttributeError):
    """No such module (GC-2)."""

    code = "RT211"


class UnknownMethodError(ContextError, AttributeError):
    """No such method of a module (GC-2)."""

    code = "RT212"


class IllegalPhaseError(ContextError):
    """A transition that LC-10 does not know."""

    code = "RT213"


class SubscriberOverflowError(ContextError, OverflowError):
    """A subscriber of a topic fell too far behind (LC-11)."""

    code = "RT214"


class WaitTimeoutError(ContextError, TimeoutError):
    """Nothing was published on a topic in time (LC-11)."""

    code = "RT215"

    def __init__(self, topic: str, seconds: float) -> None:
        self.topic = topic
        self.seconds = seconds
        super().__init__(
            f"Nothing was published on {topic!r} within {seconds:g} s.",
            "Wait longer, or see who should have published.",
        )

    def __reduce__(self) -> tuple[type[Self], tuple[str, float]]:  # type: ignore[override]
        return type(self), (self.topic, self.seconds)


class SecretLeakError(ContextError, TypeError):
    """A secret was about to leave its handle (EF-4)."""

    code = "RT216"


# --- RT3xx answers ---


class AnswerError(TimescapeError):
    """Misuse of the answer."""

    code = "RT300"


class AmbiguousResponseError(AnswerError):
    """A body was both returned and written (HW-3)."""

    code = "RT301"


class AlreadySentError(AnswerError):
    """A second terminal write (HW-3)."""

    code = "RT302"


class ResponseHeaderError(AnswerError, ValueError):
    """A header that the runtime owns or that HTTP does not allow (RS-2)."""

    code = "RT303"


class CatchStatusError(AnswerError, ValueError):
    """A catch hook tried to turn failure into success (HO-7)."""

    code = "RT304"


# --- RT4xx running ---


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
    """A handler used what its `modules=` does not name (MG-6)."""

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


class SecretUnavailableError(TimescapeError, LookupError):
    """A secret that no provider has; names it and nothing else (EF-4)."""

    code = "RT408"


class UnrecordedEffectError(TimescapeError, RuntimeError):
    """Code of a handler or hook reached the outside past its contexts (EF-6)."""

    code = "RT409"


class DivergenceError(TimescapeError):
    """Re-execution parted from the record (RX-3)."""

    code = "RT406"


class NotReplayableError(TimescapeError):
    """The record does not hold what it takes to run the request again (RX-10)."""

    code = "RT410"


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


# --- RT5xx life of the runtime ---


class AlreadyStartedError(TimescapeError):
    """Started twice (GC-6)."""

    code = "RT501"


class NotStartedError(TimescapeError):
    """Used before it was started (GC-6)."""

    code = "RT502"


class AppImportError(TimescapeError, ImportError):
    """`module:app` cannot be found or is not an App."""

    code = "RT503"


class ServeError(TimescapeError, OSError):
    """The server cannot listen where it was told to."""

    code = "RT504"
    __str__ = Exception.__str__
