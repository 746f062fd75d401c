"""Changes of the route table that are refused; the log stays as it was."""

from runtime.errors.root import TimescapeError


class RoutesError(TimescapeError):
    """A change of what versions serve that cannot be made."""

    code = "RT600"


class VersionNotFound(RoutesError, LookupError):
    """No such handler or version (TG-2)."""

    code = "RT601"


class VersionDeactivated(RoutesError):
    """The version is not served any more (TG-2)."""

    code = "RT602"


class TagNameError(RoutesError, ValueError):
    """A name that no tag can have (TG-1)."""

    code = "RT603"


class TagConflictError(RoutesError):
    """The tag does not point to where it was expected to (TG-2)."""

    code = "RT604"


class VersionProtectedError(RoutesError):
    """A guard keeps the version in service (VL-4)."""

    code = "RT605"


class SunsetError(RoutesError, ValueError):
    """A version cannot end then (VL-6)."""

    code = "RT606"


class SplitError(RoutesError, ValueError):
    """Traffic cannot be shared out like this (DP-5)."""

    code = "RT607"


class PositionOutOfRange(RoutesError, LookupError):
    """A position behind the end of the log (TS-5)."""

    code = "RT608"


class RoutesChangedError(RoutesError):
    """Others changed the route table again and again meanwhile."""

    code = "RT609"


class PinError(RoutesError, ValueError):
    """Nobody can be pinned like this (TG-4)."""

    code = "RT610"


class RetirementError(RoutesError, ValueError):
    """Versions cannot be retired by such a rule (VL-2)."""

    code = "RT611"


class BackfillError(RoutesError, ValueError):
    """A version cannot be deployed as of an earlier time (TS-7)."""

    code = "RT612"


class ScheduleError(RoutesError, ValueError):
    """A version cannot be deployed for a time that is not now (TS-7)."""

    code = "RT613"


class SchemaError(RoutesError, ValueError):
    """A database schema of a version that cannot be (DB-1)."""

    code = "RT630"


class SchemaNotRegistered(SchemaError, LookupError):
    """The app has no such schema, or it is not in the state that was asked for (DB-1)."""

    code = "RT631"


class SchemaIncompatible(SchemaError):
    """Two versions need schemas of one database that do not go together (DB-4)."""

    code = "RT632"


class SchemaInUse(SchemaError):
    """Active versions need a schema that was to be rolled back (DB-3)."""

    code = "RT633"


class SchemaOpenError(SchemaError):
    """A database is between two schemas: one is being applied, or a crash cut that off (DB-2)."""

    code = "RT634"


class SchemaFailedError(SchemaError):
    """A step of a schema failed, returned False or was late (DB-2)."""

    code = "RT635"


class TransformerError(RoutesError, ValueError):
    """A transformer that cannot be: no such handler or version, or a bad option (TX-1)."""

    code = "RT620"


class TransformerAdjacencyError(TransformerError):
    """A transformer joins versions between which there are others (TX-1)."""

    code = "RT621"


class TransformerImmutableError(TransformerError):
    """The functions of a transformer are not those that were registered (TX-2)."""

    code = "RT622"


class BreakingDeployError(RoutesError):
    """A deploy breaks callers, or may, and the app refuses that (DP-2)."""

    code = "RT623"


class TransformFailedError(RoutesError):
    """An answer could not be made into one of the caller's version (TX-7)."""

    code = "RT624"
