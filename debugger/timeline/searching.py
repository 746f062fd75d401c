"""Find text in facts (TM-11)."""

import msgspec

from eventstore import Event, UnknownEvent

_encode = msgspec.json.Encoder().encode


def data_text(event: Event) -> str:
    """Return the payload of *event* as one line of JSON."""
    data = event.data.data if isinstance(event.data, UnknownEvent) else event.data
    return _encode(data).decode()


def holds(event: Event, text: str) -> bool:
    """Say whether *text* stands in type, key, site or data of *event*, in any letter case."""
    wanted = text.casefold()
    if wanted in event.type or wanted in (event.key or "").casefold():
        return True
    if wanted in (event.site or "").casefold():
        return True
    data = data_text(event).casefold()
    # In JSON a quote or a line break is written as an escape.
    return wanted in data or _escaped(text) in data


def _escaped(text: str) -> str:
    try:
        return _encode(text).decode()[1:-1].casefold()
    except UnicodeEncodeError:  # lone surrogates, which no payload holds
        return "\ud800"
