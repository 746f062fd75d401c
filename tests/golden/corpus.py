"""The files of the corpus: where they are, how they are made, what they say."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from eventstore import Event, NewEvent, Store, StreamId, UnknownEvent
from eventstore.codec import Numbers, Registry, RowDecoder, encode_rows
from eventstore.identifiers import named_stream
from runtime.context import REQUEST_REDUCER
from tests.golden.shapes import Shape, shape_of

FOLDER = Path(__file__).parent
EVENTS = FOLDER / "events"
STORES = FOLDER / "stores"
TYPES = FOLDER / "types.json"
STREAM = named_stream("golden", "events")
TYPE_NUMBER, SITE_NUMBER = 1, 2


class GoldenEvent(msgspec.Struct, frozen=True):
    """An event as it was stored once, and what it was."""

    type: str
    schema: int
    site: str | None
    row: str
    """The exact text of a row with this event alone; its type is number 1, its site 2."""
    value: Any
    """The payload, every field of it, as plain JSON data."""


class GoldenStore(msgspec.Struct, frozen=True):
    """What a store of a released version holds."""

    verified_to: int
    requests: int
    digest: str
    """SHA-256 over the states of its requests, see `digest_of`."""


def event_path(type_: str, schema: int) -> Path:
    return EVENTS / f"{type_}.{schema}.json"


def recorded_types() -> dict[str, dict[str, Shape]]:
    """Give the shape of each type under each schema that was ever released."""
    return json.loads(TYPES.read_text("utf-8")) if TYPES.exists() else {}


def current_types(known: Registry) -> dict[str, dict[str, Shape]]:
    return {
        name: {str(known.schema(name)): shape_of(cls)} for name, cls in known.payload_types.items()
    }


def row_of(known: Registry, event: NewEvent) -> str:
    """Write *event* alone, as it would stand in a log."""
    (row,) = encode_rows(
        known, [event], began_us=event.at_us,
        type_ids=Numbers(lambda _: TYPE_NUMBER), site_ids=Numbers(lambda _: SITE_NUMBER),
    )  # fmt: skip
    return row.data


def golden_event(known: Registry, event: NewEvent) -> GoldenEvent:
    schema = known.schema(event.type)
    return GoldenEvent(event.type, schema, event.site, row_of(known, event), plain(event.data))


def read_event(known: Registry, golden: GoldenEvent) -> Event:
    """Read the golden row as the program of today does."""
    sites = {} if golden.site is None else {SITE_NUMBER: golden.site}
    decoder = RowDecoder(known, {TYPE_NUMBER: (golden.type, golden.schema)}, sites)
    (event,) = decoder.decode(golden.row, position=1, stream=STREAM, first=1, began_us=0)
    return event


def plain(payload: Any) -> Any:
    """Give every field of *payload*, defaults too, as JSON has it."""
    if isinstance(payload, UnknownEvent):
        payload = payload.data
    elif isinstance(payload, msgspec.Struct):
        payload = msgspec.structs.asdict(payload)
    # By JSON of Python, which can say lone surrogates.
    return json.loads(json.dumps(msgspec.to_builtins(payload)))


def request_streams(store: Store) -> list[StreamId]:
    rows = store.read_log(kinds=["request"], first_rows_only=True, limit=100_000)
    return [row.stream for row in rows]


def digest_of(store: Store) -> str:
    """Fold every request of *store*, and hash what a user would call its state."""
    digest = hashlib.sha256()
    for stream in request_streams(store):
        state = store.fold(REQUEST_REDUCER, stream).state
        told = [
            stream.hex, state.revision, dict(state.values), state.phase, state.route,
            state.principal, state.version, state.status, dict(state.snapshots),
        ]  # fmt: skip
        digest.update(json.dumps(msgspec.to_builtins(told)).encode())
    return digest.hexdigest()
