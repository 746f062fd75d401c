"""Names of topics, and patterns of them (QF-1)."""

import re
from collections.abc import Callable

from runtime.errors import TopicNameError

_NAME = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*")
_PATTERN = re.compile(r"(?:[a-z0-9_]+|\*)(?:\.(?:[a-z0-9_]+|\*))*(?:\.\*\*)?|\*\*")
_CHARACTERS = 128


def check_topic_name(name: object) -> str:
    """Return the name of a topic.

    Raises:
        TopicNameError: it is none.
    """
    return _checked(name, _NAME, "topic", "Use dotted segments of a-z, 0-9 and _")


def check_pattern(pattern: object) -> str:
    """Return what a subscriber may subscribe to: a name, or a pattern of names.

    Raises:
        TopicNameError: it is neither.
    """
    remedy = "Use dotted segments of a-z, 0-9 and _, `*` for one of them, `**` for all that follow"
    return _checked(pattern, _PATTERN, "subscription", remedy)


def _checked(name: object, form: re.Pattern[str], what: str, remedy: str) -> str:
    if isinstance(name, str) and len(name) <= _CHARACTERS and form.fullmatch(name):
        return name
    shown = f"{name[:80]!a}" if isinstance(name, str) else f"a {type(name).__qualname__}"
    msg = f"{shown} is no name of a {what}."
    raise TopicNameError(msg, f"{remedy}, at most {_CHARACTERS} characters.")


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return what says whether a topic is of *pattern*."""
    if "*" not in pattern:
        return pattern.__eq__
    if pattern == "**":
        return lambda _: True
    head, rest = (pattern[:-3], r"(?:\.[^.]+)+") if pattern.endswith(".**") else (pattern, "")
    segments = [r"[^.]+" if each == "*" else re.escape(each) for each in head.split(".")]
    form = re.compile(r"\.".join(segments) + rest)
    return lambda topic: form.fullmatch(topic) is not None
