"""What cannot be answered."""

from runtime.errors.root import TimescapeError


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
