"""Moments, paths and times as arguments and as answers."""

import datetime as dt
import difflib

from debugger.cli.output import Output
from debugger.errors import BadInputError, NoSuchMomentError, NotFoundError
from debugger.timeline import Timeline
from debugger.timeline.links import is_link, read_link

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def moment(timeline: Timeline, text: str, cursor: int, output: Output) -> int:
    """Read a moment; a number has to be there, other forms may be near, which is said.

    Raises:
        BadInputError: cannot be read.
        NoSuchMomentError: there is none.
    """
    if is_link(text):
        text = str(_linked(timeline, text))
    revision, exact = timeline.seek(text, cursor)
    if exact:
        return revision
    if text.strip().lstrip("+-#").isdecimal():
        problem = f"There is no moment {text.strip()}: the request has {timeline.last} facts."
        raise NoSuchMomentError(problem, f"Give one from 0 to {timeline.last}.")
    output.say(f"{text} is not a moment of its own; the nearest before is #{revision}.")
    return revision


def _linked(timeline: Timeline, text: str) -> int:
    link = read_link(text)
    if link.stream != timeline.stream:
        problem = f"The link is to a moment of req-{link.stream.hex}, not of this request."
        raise BadInputError(problem, f"Name that one, or a moment from 0 to {timeline.last}.")
    return link.revision


def written_path(timeline: Timeline, text: str) -> str:
    """Turn a key or a path that was ever written into a path.

    Raises:
        NotFoundError: it was never written; the remedy names keys that were.
    """
    as_key = "/" + text.replace("~", "~0").replace("/", "~1")
    path = as_key if not text.startswith("/") and timeline.writes(as_key) else text
    if timeline.writes(path):
        return path
    keys = timeline.keys
    near = difflib.get_close_matches(text.strip("/").split("/")[0], keys, 3) or keys[:10]
    names = ", ".join(near)
    remedy = f"Keys that were: {names}." if names else "It wrote no keys at all."
    problem = f"{text[:80]!r} was never written by this request."
    raise NotFoundError(problem, remedy)


def iso(at_us: int) -> str:
    """Return a time for programs: ISO 8601, µs, Z."""
    moment_at = _EPOCH + dt.timedelta(microseconds=at_us)
    return moment_at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def clock_time(at_us: int) -> str:
    """Return a time for people, UTC."""
    moment_at = _EPOCH + dt.timedelta(microseconds=at_us)
    return moment_at.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment_at.microsecond // 1000:03}"


def ms(us: int) -> str:
    """Return a duration in milliseconds for people."""
    return f"{us / 1000:.3f}"
