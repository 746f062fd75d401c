"""Whatever a released version stored is read for ever."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from eventstore import UnknownEvent
from eventstore.identifiers import LOG_STREAM
from eventstore.names import HELD, REGISTERED, RESET
from eventstore.sql import open_store, upgrade
from eventstore.testing import FakeClock, FakeIds
from runtime.context import registry
from tests.contracts.source import project
from tests.golden import corpus
from tests.golden.corpus import GoldenEvent, GoldenStore
from tests.golden.samples import every_field_is_filled, samples
from tests.golden.shapes import fault_between, shape_of

HOW = "see `How stored shapes may change` in docs/development.md"
GOLDEN_EVENTS = sorted(corpus.EVENTS.glob("*.json"))
GOLDEN_STORES = sorted(corpus.STORES.glob("*.db"))


def named(path: Path) -> str:
    return path.stem


# --- shapes ---


@pytest.mark.proves("UP-1")
@pytest.mark.parametrize("name", registry().names)
def test_the_shape_of_a_fact_is_the_recorded_one(name: str) -> None:
    """A changed shape needs a new schema, but for a last field with a default."""
    schema, shape = next(iter(corpus.current_types(registry())[name].items()))
    recorded = corpus.recorded_types().get(name, {}).get(schema)

    assert recorded is not None, f"{name} {schema} is new: run `python -m tests.golden`; {HOW}"
    fault = fault_between(recorded, shape)
    assert fault is None, f"{name} needs a new schema, and a step to it: {fault}; {HOW}"
    assert recorded == shape, f"{name} has new fields: run `python -m tests.golden`; {HOW}"


@pytest.mark.proves("UP-1", "UP-2")
def test_every_recorded_schema_is_still_read() -> None:
    known = registry()
    known.check()
    lost = [
        (name, schema)
        for name, schemas in corpus.recorded_types().items()
        for schema in schemas
        if known.reading(name, int(schema)).cls is None
    ]

    assert lost == []


class Before(msgspec.Struct):
    """A made-up fact."""

    name: str
    size: int = 0


class WithLast(msgspec.Struct):
    name: str
    size: int = 0
    parts: tuple[Before, ...] = ()


class WithBare(msgspec.Struct, kw_only=True):
    name: str
    size: int = 0
    color: str


class WithFirst(msgspec.Struct):
    color: str
    name: str
    size: int = 0


class WithOtherType(msgspec.Struct):
    name: str
    size: float = 0


class WithOtherDefault(msgspec.Struct):
    name: str
    size: int = 1


class Without(msgspec.Struct):
    name: str


class Holding(msgspec.Struct):
    """A fact that holds another Struct."""

    part: WithBare


@pytest.mark.proves("UP-1")
def test_only_a_last_field_with_a_default_may_come() -> None:
    before = shape_of(Before)

    assert before == {"fields": ["name: str", "size: int = 0"]}
    assert fault_between(before, before) is None
    assert fault_between(before, shape_of(WithLast)) is None
    for other in (WithBare, WithFirst, WithOtherType, WithOtherDefault, Without):
        assert fault_between(before, shape_of(other)) is not None, other


@pytest.mark.proves("UP-1")
def test_what_a_fact_holds_belongs_to_its_shape() -> None:
    shape = shape_of(Holding)

    assert shape["WithBare"] == ["name: str", "size: int = 0", "color: str"]
    assert fault_between({**shape, "WithBare": ["name: str"]}, shape) is not None
    assert shape_of(WithLast)["Before"] == shape_of(Before)["fields"]


# --- events ---


@pytest.mark.proves("UP-3")
def test_every_fact_and_every_type_of_the_log_has_its_file() -> None:
    known = registry()
    wanted = {corpus.event_path(name, known.schema(name)) for name in known.names}
    wanted |= {corpus.event_path(name, 1) for name in (HELD, REGISTERED, RESET)}

    assert wanted - set(GOLDEN_EVENTS) == set(), (
        f"add a sample, run `python -m tests.golden`; {HOW}"
    )


@pytest.mark.proves("UP-3")
@pytest.mark.parametrize("path", GOLDEN_EVENTS, ids=named)
def test_a_stored_event_is_read_as_what_it_was(path: Path) -> None:
    known = registry()
    golden = msgspec.convert(json.loads(path.read_text("utf-8")), GoldenEvent)
    event = corpus.read_event(known, golden)
    reading = known.reading(golden.type, golden.schema)

    assert path == corpus.event_path(golden.type, golden.schema)
    assert (event.type, event.schema, event.site) == (reading.name, golden.schema, golden.site)
    assert type(event.data) is (reading.cls or UnknownEvent)
    if reading.steps:
        return
    told = corpus.plain(event.data)
    assert {name: told[name] for name in golden.value} == golden.value


@pytest.mark.proves("UP-3", "TB-1")
@pytest.mark.parametrize("name", registry().names)
def test_a_fact_is_written_as_it_always_was(name: str) -> None:
    known = registry()
    path = corpus.event_path(name, known.schema(name))
    golden = msgspec.convert(json.loads(path.read_text("utf-8")), GoldenEvent)
    event = corpus.read_event(known, golden)
    new = msgspec.structs.replace(
        samples()[name], data=event.data, key=event.key, at_us=event.at_us, site=event.site
    )

    assert corpus.row_of(known, new) == golden.row


@pytest.mark.parametrize("name", registry().names)
def test_a_sample_shows_every_field(name: str) -> None:
    assert every_field_is_filled(samples()[name].data)


# --- stores ---


@pytest.mark.proves("UP-3")
def test_this_version_has_its_store() -> None:
    version = project()["project"]["version"]

    assert version in {path.stem for path in GOLDEN_STORES}, f"run `python -m tests.golden`; {HOW}"


@pytest.mark.proves("UP-3")
@pytest.mark.parametrize("path", GOLDEN_STORES, ids=named)
def test_a_store_of_a_released_version_opens_verifies_and_folds(path: Path, tmp_path: Path) -> None:
    golden = msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=GoldenStore)
    url = f"sqlite:///{shutil.copy(path, tmp_path / 'store.db')}"
    clock, ids = FakeClock(), FakeIds()
    upgrade(url, clock=clock, ids=ids)

    with open_store(url, mode="read", registry=registry(), clock=clock, ids=ids) as store:
        verdict = store.verify()
        assert (verdict.fault, verdict.verified_to) == (None, golden.verified_to)
        assert len(corpus.request_streams(store)) == golden.requests
        assert corpus.digest_of(store) == golden.digest
    with open_store(url, registry=registry(), clock=clock, ids=ids) as store:
        # The key that sealed it is not kept, so the log tells of another one, too.
        said = [event.type for event in store.read(LOG_STREAM)][-2:]
        assert (HELD in said, store.verify().fault) == (True, None)
