"""How a command ends (CL-2). The names are in `--help`; scripts compare the numbers."""

from enum import IntEnum

from debugger.errors import DebuggerError
from eventstore import EventStoreError
from runtime.errors import (
    ConflictError,
    CorruptManifestError,
    NoSuchKeyError,
    NothingSelectedError,
    NotReplayableError,
    PinError,
    PositionOutOfRange,
    ReplayLimitError,
    RetirementError,
    RoutesError,
    SchemaNotRegistered,
    ServeError,
    TagNameError,
    TimescapeError,
    UnknownRequestError,
    UnknownVersionError,
    VersionNotFound,
)


class Exit(IntEnum):
    """The named exit statuses."""

    OK = 0
    DIFFERENT = 1
    BAD_INPUT = 2
    NOT_FOUND = 3
    NOT_REPLAYABLE = 4
    CORRUPT = 5
    UNAVAILABLE = 6
    WRITE_REFUSED = 7
    PARTIAL = 8
    CHANGED = 9
    BREAKING = 10
    APP_ERROR = 11
    STALE = 20
    NOTHING_SELECTED = 21
    INTERRUPTED = 130
    DIVERGED = 1
    """Of a replay; the number of `DIFFERENT`."""

    @property
    def label(self) -> str:
        """The name as people see it: `bad-input`."""
        return self.name.lower().replace("_", "-")


_BY_LABEL = {each.label: each for each in Exit}
_BY_CODE = {
    "no-such-revision": Exit.NOT_FOUND,
    "no-such-position": Exit.NOT_FOUND,
    "no-such-value": Exit.NOT_FOUND,
    "cannot-redact": Exit.WRITE_REFUSED,
    "cannot-archive": Exit.WRITE_REFUSED,
    "has-forks": Exit.WRITE_REFUSED,
    "import-conflict": Exit.WRITE_REFUSED,
    "file-exists": Exit.WRITE_REFUSED,
    "no-such-stream": Exit.NOT_FOUND,
    "export-broken": Exit.CORRUPT,
    "not-an-export": Exit.BAD_INPUT,
    "not-the-holder": Exit.WRITE_REFUSED,
    "chain-broken": Exit.CORRUPT,
    "corrupt-value": Exit.CORRUPT,
    "store-damaged": Exit.CORRUPT,
    "history-forked": Exit.CORRUPT,
    "upcast-failed": Exit.CORRUPT,
    "read-only": Exit.WRITE_REFUSED,
    "store-full": Exit.WRITE_REFUSED,
    "stream-closed": Exit.WRITE_REFUSED,
    "stream-mismatch": Exit.WRITE_REFUSED,
    "stream-too-long": Exit.WRITE_REFUSED,
    "wrong-revision": Exit.WRITE_REFUSED,
    "fork-too-deep": Exit.WRITE_REFUSED,
    "bad-url": Exit.BAD_INPUT,
    "keyring-missing": Exit.BAD_INPUT,
    "bad-master": Exit.BAD_INPUT,
    "wrong-master": Exit.BAD_INPUT,
    "no-such-subject": Exit.NOT_FOUND,
    "sealed-invalid": Exit.CORRUPT,
}
"""Of the store's refusals; all others mean that it cannot be had now."""

_BY_CLASS: dict[type[TimescapeError], Exit] = {
    NothingSelectedError: Exit.NOTHING_SELECTED,
    CorruptManifestError: Exit.CORRUPT,
    ConflictError: Exit.WRITE_REFUSED,
    VersionNotFound: Exit.NOT_FOUND,
    PositionOutOfRange: Exit.NOT_FOUND,
    TagNameError: Exit.BAD_INPUT,  # before what it is a kind of; so the next two
    PinError: Exit.BAD_INPUT,
    SchemaNotRegistered: Exit.NOT_FOUND,
    RetirementError: Exit.BAD_INPUT,
    RoutesError: Exit.WRITE_REFUSED,
    ServeError: Exit.UNAVAILABLE,
    NotReplayableError: Exit.NOT_REPLAYABLE,
    UnknownVersionError: Exit.NOT_FOUND,
    NoSuchKeyError: Exit.NOT_FOUND,
    UnknownRequestError: Exit.NOT_FOUND,
    ReplayLimitError: Exit.PARTIAL,
}
"""Of the runtime's refusals; all others mean that what was asked for cannot be."""


def exit_of(error: DebuggerError | EventStoreError | TimescapeError) -> Exit:
    """Return the exit status that an error of ours ends a command with."""
    if isinstance(error, DebuggerError):
        return _BY_LABEL[error.exit]
    if isinstance(error, EventStoreError):
        return _BY_CODE.get(error.code, Exit.UNAVAILABLE)
    return next((to for kind, to in _BY_CLASS.items() if isinstance(error, kind)), Exit.BAD_INPUT)
