"""Log lines: one JSON object each, or as they were, and neither with a secret in it (OB-6)."""

import datetime as dt
import json
import logging
from typing import Any

from runtime.modules import CALLER
from runtime.secrets import Scrubber

MAX_LINE = 16 * 1024
"""Of bytes in a line; everything above ASCII is escaped, so characters are bytes."""
_CUT = 4 * 1024
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "fields"}


class JsonLines(logging.Formatter):
    """Formats records as JSON, with the request they belong to.

    Attributes:
        scrubber: takes secrets out; another may take its place.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scrubber = Scrubber()

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, without line breaks and control characters."""
        told = self._told(record)
        if self.scrubber.knows:
            told = self.scrubber.value(told, "log")
        line = _encoded(told)
        return line if len(line) <= MAX_LINE else _encoded(_cut(told))

    def _told(self, record: logging.LogRecord) -> dict[str, Any]:
        caller = CALLER.get()
        told: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **({} if caller is None else caller.about),
        }
        more = {name: value for name, value in vars(record).items() if name not in _OWN}
        more.update(getattr(record, "fields", None) or {})
        if more:
            told["fields"] = {str(name): _plain(value) for name, value in more.items()}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return told


class ScrubbedLines(logging.Formatter):
    """Formats records as another formatter does, and takes secrets out.

    Args:
        inner: the other one.

    Attributes:
        scrubber: takes them out; another may take its place.
    """

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner
        self.scrubber = Scrubber()

    def format(self, record: logging.LogRecord) -> str:
        """Return what the inner formatter does, without secrets."""
        text = self._inner.format(record)
        return self.scrubber.text(text, "log") if self.scrubber.knows else text


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # Arguments that do not fit: what logging itself would print of it is not scrubbed.
        return str(record.msg)


def _plain(value: object) -> Any:
    try:
        return json.loads(json.dumps(value, default=str))
    except (TypeError, ValueError, RecursionError):
        return f"<{type(value).__qualname__}>"


def _encoded(told: dict[str, Any]) -> str:
    # ASCII only: no line or paragraph separator and no C1 control is left as it is.
    return json.dumps(told, ensure_ascii=True, default=str).replace("\x7f", "\\u007f")


def _cut(told: dict[str, Any]) -> dict[str, Any]:
    """Leave the fields out, and cut texts so that escaped they still fit."""
    kept = {name: value for name, value in told.items() if name != "fields"}
    for name in ("message", "exception"):
        if name in kept:
            kept[name] = _short(kept[name])
    return {**kept, "cut": True}


def _short(text: str) -> str:
    while len(json.dumps(text)) > _CUT:
        text = text[: len(text) // 2]
    return text
