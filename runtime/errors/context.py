"""What user code may not do with its contexts."""

from typing import Self

from runtime.errors.root import TimescapeError


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
