"""A recorded request is run again by an app's code."""

import datetime as dt
from typing import Any

import pytest

from eventstore import Event, StreamId
from eventstore.memory import MemoryStore
from runtime import App, LocalContext, Request
from runtime.errors import (
    InvalidEditError,
    NotReplayableError,
    ReplayLimitError,
    UnknownRequestError,
    UnknownVersionError,
)
from runtime.facts import ContextEdited
from runtime.replay import Edit, Options, Replay, SetAnswer, SetInput, SetState, compare, reexecute
from runtime.replay.divergence import plain
from runtime.testing import SeededIds
from tests.runtime.replay.shop import Pricing, events_of, record, shop

BODY = {"sku": "mug", "quantity": 2, "card": "4111 1111"}


def again(factor: int = 1, body: Any = BODY, **options: Any) -> tuple[Any, MemoryStore]:
    keep = options.pop("keep", None)
    reads = options.pop("reads_card", False)
    store, stream = record(shop(Pricing(), reads_card=reads), body)
    silent = Pricing()
    app = shop(silent, factor=factor, reads_card=reads)
    before = events_of(store, stream)
    told = reexecute(app, store, stream, Options(**options), keep=keep, ids=SeededIds(3))
    assert events_of(store, stream) == before
    assert silent.calls == []
    return told, store


def body_of(told: Replay) -> bytes:
    assert told.answer is not None
    return told.answer.body


def state_of(events: list[Event], key: str) -> Any:
    return [e.data.value for e in events if e.type == "context.set" and e.key == key][-1]


@pytest.mark.proves("RX-2", "RX-3", "P45", "EF-1", "EF-2")
def test_the_same_code_says_the_same_and_asks_nobody() -> None:
    told, _ = again()

    assert told.divergence is None
    assert [plain(f.data) for f in told.facts] == [plain(e.data) for e in told.events]
    assert (told.changed, told.kept, body_of(told)) == (False, False, b'{"total":800}')


@pytest.mark.proves("RX-10")
@pytest.mark.parametrize(
    ("look", "error"),
    [
        (lambda headers: headers.get("user-agent"), None),
        (lambda headers: "x-patient" in headers, None),
        (lambda headers: headers.get("x-other", "none"), None),
        (lambda headers: headers["x-patient"] == "4711", NotReplayableError),
        (lambda headers: headers.get("authorization", "").split(), NotReplayableError),
    ],
    ids=["recorded", "whether it came", "it did not come", "withheld", "a credential"],
)
def test_code_that_reads_a_header_whose_value_is_not_recorded_cannot_be_replayed(
    look: Any, error: type[Exception] | None
) -> None:
    def reading() -> App:
        app = App("shop")

        @app.handler("POST /orders", version="2026-01-01")
        async def order(req: Request[Any], lctx: LocalContext) -> None:
            lctx.set("seen", look(req.headers))

        return app

    headers = [("x-patient", "4711"), ("authorization", "Bearer x"), ("user-agent", "shop/2")]
    store, stream = record(reading(), {}, headers=headers)

    if error is not None:
        with pytest.raises(error, match="the header"):
            reexecute(reading(), store, stream, Options(), ids=SeededIds(3))
    else:
        told = reexecute(reading(), store, stream, Options(), ids=SeededIds(3))
        assert told.divergence is None


@pytest.mark.proves("RX-3")
def test_changed_code_is_named_and_parts_where_it_writes_something_else() -> None:
    told, _ = again(factor=2)
    first = told.divergence

    assert told.changed is False  # what it closes over is not what it is written as (MG-7)
    assert (first.kind, first.recorded.key) == ("value", "total")
    assert (first.recorded.data.value, first.attempted.data.value) == (800, 1600)
    assert first.lines[0] is not None
    assert first.lines == (first.recorded.site, first.attempted.site)
    assert told.answer is None


@pytest.mark.proves("RX-4", "RX-6")
def test_kept_changed_code_runs_to_its_end_in_a_fork_that_replays() -> None:
    told, store = again(factor=2, keep=True, stubs={"pricing.charge": True})
    fork = events_of(store, told.fork)

    assert (told.kept, told.unavailable) == (True, ())
    assert body_of(told) == b'{"total":1600}'
    assert store.head(told.fork).parent == told.request
    assert told.shared == told.divergence.index - 1
    assert [plain(e.data) for e in fork] == [plain(f.data) for f in told.facts]
    repeated = reexecute(shop(Pricing(), factor=2), store, told.fork)
    assert repeated.divergence is None
    assert [plain(e.data) for e in repeated.facts] == [plain(e.data) for e in fork]


@pytest.mark.proves("RX-6")
def test_an_effect_that_nobody_answers_fails_and_is_named() -> None:
    told, _ = again(factor=2, keep=True)

    assert told.unavailable == ("pricing.charge",)
    assert told.answer.status == 500
    failed = next(f.data for f in told.facts if f.type == "effect.failed")
    assert failed.failure.error == "EffectUnavailableError"


@pytest.mark.proves("RX-6")
def test_what_is_named_live_is_performed_and_marked() -> None:
    store, stream = record(shop(Pricing()), BODY)
    live = Pricing()
    options = Options(live=("pricing.charge",))
    told = reexecute(shop(live, factor=3), store, stream, options, keep=True)

    assert live.calls == ["charge"]
    assert body_of(told) == b'{"total":2400}'
    asked = {f.key: f.data.live for f in told.facts if f.type == "effect.requested"}
    assert asked["pricing.charge"] is True
    assert asked["pricing.quote"] is False
    quiet = Pricing()
    assert reexecute(shop(quiet, factor=3), store, told.fork).divergence is None
    assert quiet.calls == []


@pytest.mark.proves("RX-4")
def test_another_version_runs_in_a_fork() -> None:
    told, store = again(version="2026-02-01")

    assert told.kept
    assert (told.version, told.shared) != (told.recorded_version, 0)
    assert body_of(told) == b'{"total":1}'
    resolved = events_of(store, told.fork)[2]
    assert (resolved.key, resolved.data.edition) == (told.version, "2026-02-01")
    assert reexecute(shop(Pricing()), store, told.fork).divergence is None


@pytest.mark.proves("RX-5")
def test_state_is_changed_at_a_moment_and_the_code_goes_on_with_it() -> None:
    store, stream = record(shop(Pricing()), BODY)
    at = next(e.revision for e in events_of(store, stream) if e.key == "total")
    options = Options(at=at, edits=[SetState(("total",), 40)], stubs={"pricing.charge": True})
    told = reexecute(shop(Pricing()), store, stream, options)
    fork = events_of(store, told.fork)

    assert (told.shared, body_of(told)) == (at, b'{"total":40}')
    edit = fork[at].data
    assert isinstance(edit, ContextEdited)
    assert (edit.origin, fork[at].key) == ("fork", "total")
    assert reexecute(shop(Pricing()), store, told.fork).divergence is None


@pytest.mark.proves("RX-5")
def test_an_effects_answer_is_changed() -> None:
    store, stream = record(shop(Pricing()), BODY)
    quote = next(e for e in events_of(store, stream) if e.type == "effect.requested"
                 and e.data.args == {"sku": "mug"})  # fmt: skip
    told = reexecute(
        shop(Pricing()), store, stream,
        Options(edits=[SetAnswer(quote.data.n, 7)], stubs={"pricing.charge": True}),
    )  # fmt: skip

    assert body_of(told) == b'{"total":214}'
    own = events_of(store, told.fork)[told.shared]
    assert (own.type, own.data.n, own.data.value) == ("effect.returned", quote.data.n, 7)
    assert reexecute(shop(Pricing()), store, told.fork).divergence is None


@pytest.mark.proves("RX-5")
def test_the_time_is_changed() -> None:
    told, store = again(edits=[SetAnswer(1, dt.datetime(2030, 1, 1, tzinfo=dt.UTC))])

    assert state_of(events_of(store, told.fork), "seen")[0] == "2030-01-01 00:00:00+00:00"


@pytest.mark.proves("RX-5", "P41")
def test_the_request_is_changed_and_its_secrets_are_still_not_recorded() -> None:
    edits = [SetInput(("body", "quantity"), 3), SetInput(("body", "card"), "5500 0000")]
    told, store = again(edits=edits, stubs={"pricing.charge": True}, reads_card=True)
    fork = events_of(store, told.fork)
    first = fork[0].data

    assert (told.shared, body_of(told)) == (0, b'{"total":1200}')
    assert (first.parent, first.body["quantity"]) == (f"req-{told.request.hex}", 3)
    assert first.body["card"] == {"$redacted": True}
    assert state_of(fork, "last") == "00"
    assert fork[0].stream == told.fork


@pytest.mark.proves("RX-5")
def test_all_that_is_wrong_with_edits_is_named_and_no_fork_is_made() -> None:
    store, stream = record(shop(Pricing()), BODY)
    end = store.end()
    wrong: list[Edit] = [
        SetState(("absent", "x"), 1),
        SetAnswer(99, 1),
        SetAnswer(2, 1),
        SetAnswer(4, "text"),
    ]
    with pytest.raises(InvalidEditError) as refused:
        reexecute(shop(Pricing()), store, stream, Options(at=7, edits=wrong))
    edits: list[Edit] = [SetInput(("body", "quantity"), 99), SetInput(("path",), "x")]
    with pytest.raises(InvalidEditError) as unfit:
        reexecute(shop(Pricing()), store, stream, Options(edits=edits))

    assert len(refused.value.issues) == 4
    assert len(unfit.value.issues) == 2
    assert store.end() == end


@pytest.mark.proves("RX-7")
def test_unedited_a_moment_is_resumed_to_the_original_suffix() -> None:
    store, stream = record(shop(Pricing()), BODY)
    for at in range(len(events_of(store, stream))):
        told = reexecute(shop(Pricing()), store, stream, Options(at=at), keep=True)

        assert (told.divergence, told.shared) == (None, at)
        assert compare(events_of(store, stream), events_of(store, told.fork)) == []


@pytest.mark.proves("RX-10")
def test_what_the_record_does_not_have_may_be_passed_on_and_not_be_read() -> None:
    with pytest.raises(NotReplayableError, match="/card of the body"):
        again(reads_card=True)
    told, _ = again(body={"sku": "mug"}, reads_card=True)

    assert told.divergence is None


@pytest.mark.proves("RX-10")
def test_what_cannot_be_run_again_is_refused_by_name() -> None:
    store, stream = record(shop(Pricing()), BODY)
    with pytest.raises(UnknownVersionError, match="2031-01-01"):
        reexecute(shop(Pricing()), store, stream, Options(version="2031-01-01"))
    with pytest.raises(UnknownRequestError):
        reexecute(shop(Pricing()), store, StreamId(SeededIds(8).uuid7(0)))
    nowhere, refused = record(shop(Pricing()), None, target="/nothing")
    with pytest.raises(NotReplayableError, match="refused before"):
        reexecute(shop(Pricing()), nowhere, refused)


@pytest.mark.proves("RX-10")
def test_code_that_never_ends_is_ended() -> None:
    store, stream = record(shop(Pricing()), BODY)

    with pytest.raises(ReplayLimitError):
        reexecute(shop(Pricing(), spins=True), store, stream, Options(cpu_s=0.1))


@pytest.mark.proves("RX-11")
def test_a_traced_run_tells_its_lines_and_what_they_changed() -> None:
    told, _ = again(trace=True)
    quiet, _ = again()
    lines = [line for line in told.lines if "order" in line.function]

    assert quiet.lines == ()
    assert [plain(e.data) for e in told.facts] == [plain(e.data) for e in quiet.facts]
    assert any(line.changed.get("net") == "300" for line in lines)
    assert any("card=<sensitive>" in line.changed.get("req", "") for line in lines)
    assert [line.revision for line in lines] == sorted(line.revision for line in lines)
    assert {line.site.rpartition(":")[0] for line in lines} == {"tests/runtime/replay/shop.py"}
