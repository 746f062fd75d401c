"""What cannot be registered: raised at start, never by a request."""

from typing import Self

from runtime.errors.root import TimescapeError


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
    """A handler uses what its `modules=` does not name, or a capability cannot be (MG-6, MM-4)."""

    code = "RT116"


class RegistrationWarning(UserWarning):
    """Something registered will run, but not as well as it could: repeated, or much longer."""
