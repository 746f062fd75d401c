"""Marked values are in no byte of the log, wherever a request copies them (GT-19)."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, NamedTuple, TypedDict, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import NEW, Event, EventStoreError, Forgotten, Keyring, NewEvent, Store, StreamId
from eventstore.memory import MemoryStore
from eventstore.sql import open_store
from eventstore.testing import FakeIds, keyring
from eventstore.values import ToDrop, ToHash, ToSeal
from runtime import App, GlobalContext, HttpError, LocalContext, Request, Sensitive, sensitive
from runtime.context import registry
from runtime.errors import ConstraintError
from runtime.gtype import check
from runtime.lifecycle.alike import alike
from runtime.testing import FakeClock
from tests.faces.asgi import ask
from tests.runtime.schemas import CANARY, plain

GONE = {"$redacted": True}
T = TypeVar("T")


class Order(msgspec.Struct):
    customer: str
    email: Annotated[str, sensitive(subject="customer")]
    phone: Annotated[str, sensitive(hash=True)]
    card: Annotated[str, Sensitive]
    note: str = ""


def body(**more: Any) -> dict[str, Any]:
    fields = {name: f"{CANARY}-{name}" for name in ("email", "phone", "card")}
    return {"customer": "ann", **fields, **more}


def redacted(hint: Any, value: Any) -> Any:
    return check(hint).redact(msgspec.json.encode(value))


def whose(value: Any) -> str | None:
    """Tell whose a sealed value is; None: it is dropped."""
    assert value == GONE or isinstance(value, ToSeal)
    return value.subject if isinstance(value, ToSeal) else None


@pytest.mark.proves("GT-19")
def test_each_mark_does_what_it_says() -> None:
    kept = redacted(Order, body())

    assert (kept["customer"], kept["card"]) == ("ann", GONE)
    assert kept["email"] == ToSeal("ann", f"{CANARY}-email")
    assert kept["phone"] == ToHash(f"{CANARY}-phone")
    assert check(Order).redact.paths == ("/email", "/phone", "/card")
    assert check(Order).redact.needs_keyring == ("/email", "/phone")


@pytest.mark.proves("GT-19")
@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("ann", "ann"),
        (7, "7"),
        ("", None),
        (None, None),
        (True, None),
        (["ann"], None),
        (1.5, None),
    ],
)
def test_what_is_nobodys_is_dropped(subject: object, expected: str | None) -> None:
    """Rather too much is left out than too little."""
    assert whose(redacted(Order, body(customer=subject))["email"]) == expected


class Renamed(msgspec.Struct, rename="camel"):
    user_id: int
    home_address: Annotated[dict[str, str] | None, sensitive(subject="user_id")] = None
    work_address: Annotated[Any, sensitive(subject="userId")] = None


class Person(msgspec.Struct, array_like=True, tag=True):
    id: uuid.UUID
    names: list[Annotated[str, sensitive(subject="id")]]
    friends: list["Person"] = []


class Typed(TypedDict):
    who: str
    what: Annotated[str, sensitive(subject="who")]


@dataclass
class Data:
    who: str
    within: dict[str, list[Annotated[int, sensitive(subject="who")]]]


class Named(NamedTuple):
    who: str
    what: Annotated[str, sensitive(subject="who")]


class Pair(msgspec.Struct, Generic[T]):
    who: str
    what: Annotated[T, sensitive(subject="who")]


@pytest.mark.proves("GT-19")
def test_the_subject_is_found_in_every_kind_of_object() -> None:
    renamed = redacted(Renamed, {"userId": 7, "homeAddress": {"a": "b"}, "workAddress": 1})
    assert (renamed["homeAddress"], renamed["workAddress"]) == (
        ToSeal("7", {"a": "b"}), ToSeal("7", 1),
    )  # fmt: skip
    assert redacted(Typed, {"who": "a", "what": "b"})["what"] == ToSeal("a", "b")
    assert redacted(Data, {"who": "a", "within": {"x": [1, 2]}})["within"]["x"] == [
        ToSeal("a", 1), ToSeal("a", 2),
    ]  # fmt: skip
    assert redacted(Named, ["a", "b"])[1] == ToSeal("a", "b")
    assert redacted(Pair[int], {"who": "a", "what": 3})["what"] == ToSeal("a", 3)
    assert redacted(list[Typed] | None, [{"who": "a", "what": "b"}])[0]["what"] == ToSeal("a", "b")


@pytest.mark.proves("GT-19")
def test_each_object_has_its_own_subject_and_a_uuid_one_spelling() -> None:
    one, two = "6F3F1B1E-7C0F-4A73-9D3C-0D1F2B0A8A11", "6f3f1b1e7c0f4a739d3c0d1f2b0a8a12"
    kept = redacted(Person, ["Person", one, ["x"], [["Person", two, ["y"]]]])

    assert kept[2] == [ToSeal(one.lower(), "x")]
    assert kept[3][0][2] == [ToSeal(str(uuid.UUID(two)), "y")]


@pytest.mark.proves("GT-19")
def test_the_strictest_of_several_marks_holds() -> None:
    class Both(msgspec.Struct):
        who: str
        what: Annotated[Annotated[str, sensitive(subject="who")], sensitive(hash=True)]
        that: Annotated[Annotated[str, Sensitive], sensitive(hash=True)]

    kept = redacted(Both, {"who": "a", "what": "b", "that": "c"})
    assert (kept["what"], kept["that"]) == (ToHash("b"), GONE)


@pytest.mark.proves("GT-19")
def test_a_subject_that_is_no_field_is_refused_at_once() -> None:
    class Nobody(msgspec.Struct):
        x: Annotated[str, sensitive(subject="y")]

    class Lists(msgspec.Struct):
        y: list[str]
        x: Annotated[str, sensitive(subject="y")]

    for hint in (Nobody, list[Nobody], Lists, list[Annotated[str, sensitive(subject="y")]]):
        with pytest.raises(ConstraintError):
            check(hint)
    with pytest.raises(ConstraintError):
        sensitive(hash=True, subject="y")
    with pytest.raises(ConstraintError):
        App("shop").register(Nobody)

    class Mailer:
        async def send(self, text: Annotated[str, sensitive(subject="who")]) -> None: ...

    with pytest.raises(ConstraintError):
        App("shop").module("mailer", Mailer())


def memory(ring: Keyring | None = None) -> MemoryStore:
    return MemoryStore(registry(), FakeClock(), FakeIds(), ring or keyring())


@pytest.fixture(scope="module")
def shared() -> Iterator[MemoryStore]:
    with memory() as store:
        yield store


SEALED = sensitive(subject="who")


@pytest.mark.proves("GT-19", "EN-2")
@given(
    mark=st.sampled_from([Sensitive, sensitive(hash=True), SEALED]),
    data=st.data(),
)
def test_nothing_marked_reaches_the_log(
    shared: MemoryStore, mark: msgspec.Meta, data: st.DataObject
) -> None:
    fields: list[Any] = [
        ("who", str), ("open", Any), ("secret", list[Annotated[Any, mark]]),
    ]  # fmt: skip
    hint = msgspec.defstruct("Holder", fields)
    secret = [data.draw(plain), {"a": [CANARY]}]
    # A NUL stands in an envelope, open or not: see VC-4.
    opened = data.draw(plain.filter(lambda tree: b"\\u0000" not in msgspec.json.encode(tree)))
    value = {"who": "ann", "open": opened, "secret": secret}
    kept = check(hint).redact(msgspec.json.encode(value))
    stream = StreamId(shared._ids.uuid7(0))
    shared.append(stream, [NewEvent("x.y", kept)], kind="request", expected=NEW).result()

    event = next(shared.read(stream))
    assert CANARY not in str(event.data)
    assert event.data.data["open"] == msgspec.json.decode(msgspec.json.encode(value["open"]))
    if mark == SEALED:
        found = [shared.open_sealed(stream, 1, f"/secret/{n}") for n in range(2)]
        assert found == msgspec.json.decode(msgspec.json.encode(secret))


class Mailer:
    """A module whose methods say what is sensitive."""

    def __init__(self) -> None:
        self.got: list[object] = []

    async def send(
        self,
        to: str,
        text: Annotated[str, sensitive(subject="to")],
        code: Annotated[str, Sensitive] = "",
    ) -> Annotated[str, sensitive(hash=True)]:
        self.got.append((to, text, code))
        return f"{CANARY}-receipt"

    async def undo(self, to: str, text: Annotated[str, sensitive(subject="to")]) -> None:
        self.got.append(("undone", to, text))


class Query(msgspec.Struct):
    q: str = ""
    pin: Annotated[str, Sensitive] = ""


def shop(mailer: Mailer) -> App:
    app = App("shop")
    app.module("mailer", mailer)

    @app.handler("POST /orders", query=Query)
    async def order(req: Request[Order], lctx: LocalContext, gctx: GlobalContext) -> Order:
        taken = req.body
        lctx.set("order", taken)
        lctx.set("by", {"first": [taken]})
        assert lctx.get("order").email == taken.email
        lctx.snapshot("start")
        with lctx.edit("order") as draft:
            draft.note = "wrapped"
            assert draft.card == taken.card
        with lctx.edit("by") as orders:
            orders["second"] = lctx.get("order")
        lctx.restore("start")
        assert lctx.get("by") == {"first": [taken]}
        lctx.publish("orders", taken)
        lctx.log("taken", order=taken)
        modules = gctx.modules
        said = await modules.mailer.send(taken.customer, taken.email, code=taken.card)
        assert said == f"{CANARY}-receipt"
        lctx.compensate(modules.mailer.undo, taken.customer, text=taken.email)
        if taken.note == "fail":
            raise HttpError(409, "no-stock", "There is none.")
        return taken

    return app


def served(app: App, store: Store, *bodies: dict[str, Any]) -> list[list[Event]]:
    async def scenario() -> list[list[Event]]:
        app.start(store)
        told = []
        for sent in bodies:
            reply = await ask(app, "POST", f"/orders?q=x&pin={CANARY}", body=sent)
            assert reply.status in (200, 204, 409), reply.body
            stream = StreamId(uuid.UUID(reply.request_id.removeprefix("req-")))
            told.append(list(store.read(stream)))
        await app.stop()
        return told

    return asyncio.run(scenario())


@pytest.mark.proves("GT-19", "EN-1")
def test_no_file_holds_what_a_request_copied_about(tmp_path: Path) -> None:
    """Body, query, answer, context, edits, messages, arguments and answers of modules."""
    mailer = Mailer()
    url = f"sqlite:///{tmp_path}/shop.db"
    with open_store(
        url, registry=registry(), clock=FakeClock(), ids=FakeIds(), keyring=keyring()
    ) as store:
        facts, failed = served(shop(mailer), store, body(), body(note="fail"))
        for each in tmp_path.iterdir():
            assert CANARY.encode() not in each.read_bytes(), each.name
        assert mailer.got[0] == ("ann", f"{CANARY}-email", f"{CANARY}-card")
        assert mailer.got[-1] == ("undone", "ann", f"{CANARY}-email")

        assert (facts[0].data.body_digest, failed[-1].data.status) == ("", 409)
        where = {(e.type, e.key): e for e in facts}
        for key, pointer in (
            (("request.received", "POST /orders"), "/body/email"),
            (("context.set", "order"), "/value/$obj/1/email"),
            (("effect.requested", "mailer.send"), "/args/text"),
            (("response.sent", "200"), "/body/email"),
        ):
            event = where[key]
            found = store.open_sealed(event.stream, event.revision, pointer)
            assert found == f"{CANARY}-email"
        answered = where["effect.returned", "mailer.send"].data.value
        received = where["request.received", "POST /orders"].data.body["phone"]
        assert where["context.set", "order"].data.value["$obj"][1]["phone"] == received
        assert (answered[:5], received[:5]) == ("hmac:", "hmac:")

        store.erase("ann", by="dpo", reason="")
        assert isinstance(
            store.open_sealed(facts[0].stream, facts[0].revision, "/body/email"), Forgotten
        )
        assert store.verify().fault is None


@pytest.mark.proves("EN-1", "GT-19")
def test_an_app_that_seals_does_not_start_without_a_keyring() -> None:
    class Marked(msgspec.Struct):
        who: str
        what: Annotated[str, sensitive(subject="who")]

    bare = MemoryStore(registry(), FakeClock(), FakeIds())
    handler, module, value = App("a"), App("b"), App("c")

    @handler.handler("POST /x")
    async def answer(req: Request[list[Marked]]) -> None: ...

    module.module("mailer", Mailer())
    value.register(Marked)
    end = bare.end()
    for app, named in ((handler, "POST /x"), (module, "mailer.send"), (value, "Marked")):
        with pytest.raises(EventStoreError, match=named) as refused:
            app.start(bare)
        assert refused.value.code == "keyring-missing"
    assert bare.end() == end


@pytest.mark.proves("GT-19")
def test_where_there_is_no_keyring_what_nobody_declared_is_dropped() -> None:
    app = App("shop")

    @app.handler("POST /orders")
    async def order(lctx: LocalContext) -> None:
        lctx.set("order", Order("ann", CANARY, CANARY, CANARY))
        assert lctx.get("order").email == CANARY

    facts = served(app, MemoryStore(registry(), FakeClock(), FakeIds()), {})[0]
    fields = next(e for e in facts if e.type == "context.set").data.value["$obj"][1]
    assert fields == {"customer": "ann", "email": GONE, "phone": GONE, "card": GONE, "note": ""}


@pytest.mark.proves("RX-3", "GT-19")
def test_a_re_execution_cannot_tell_hidden_values_apart() -> None:
    store = memory()
    stream = StreamId(store._ids.uuid7(0))
    values = {"a": ToSeal("ann", 1), "b": [ToHash(2)], "c": ToDrop(3), "d": 4}
    store.append(stream, [NewEvent("x.y", values)], kind="request", expected=NEW).result()
    recorded = next(store.read(stream)).data.data

    assert alike(recorded, values)
    assert not alike(recorded, {**values, "d": 5})
    assert not alike({**recorded, "a": 1}, values)
    assert not alike(recorded, {**values, "d": ToSeal("ann", 4)})
