"""What a runtime refuses at the wrong time of its life."""

from runtime.errors.root import TimescapeError


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
