"""Topics of one request, and log lines, which are one of them (LC-11, LC-12)."""

import logging
from collections.abc import Mapping
from typing import Any

from eventstore.values import text
from runtime.errors import ContextKeyError, ReservedKeyError
from runtime.secrets import Scrubber

LOG = "log"
LEVELS = ("debug", "info", "warning", "error")
_NUMBERS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_log = logging.getLogger("timescape")
_CHARACTERS = 128
_BYTES = 256


def check_topic(topic: object) -> None:
    """Refuse what is not a topic.

    Raises:
        ContextKeyError: not text of 1 to 128 characters and at most 256 bytes.
        ReservedKeyError: `log`, which belongs to `lctx.log`.
    """
    check_name(topic, "topic")
    if topic == LOG:
        msg = "The topic 'log' is reserved."
        raise ReservedKeyError(msg, "Use `lctx.log`.")


def check_name(name: object, what: str) -> None:
    """Refuse what is not text of 1 to 128 characters and at most 256 bytes.

    Raises:
        ContextKeyError: says *what* it was to be.
    """
    fits = isinstance(name, str) and 0 < len(name) <= _CHARACTERS and text.is_plain(name)
    if not fits or len(str(name).encode()) > _BYTES:
        shown = f"{name[:80]!a}" if isinstance(name, str) else f"a {type(name).__qualname__}"
        msg = f"{shown} is no {what}."
        raise ContextKeyError(msg, f"Use text of 1 to {_CHARACTERS} characters.")


def log_payload(message: str, level: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a log line is published as.

    Raises:
        ValueError: there is no such *level*.
    """
    if level not in LEVELS:
        msg = f"There is no log level {level!r}; there are: {', '.join(LEVELS)}."
        raise ValueError(msg)
    line: dict[str, Any] = {"level": level, "message": message}
    if fields:
        line["fields"] = dict(fields)
    return line


def show_line(payload: Any, scrubber: Scrubber | None) -> None:
    """Write what was published as a log line to the log of the process, too (OB-6).

    Without secrets already: who handles it may be anybody.
    """
    level = _NUMBERS[payload["level"]]
    if _log.isEnabledFor(level):
        if scrubber is not None and scrubber.knows:
            payload = scrubber.value(payload, "log")
        _log.log(level, "%s", payload["message"], extra={"fields": payload.get("fields", {})})
