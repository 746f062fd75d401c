"""Faults of clients and of the log, and what an app leaves in spite of them (TH-10)."""

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore.memory import MemoryStore
from runtime import App, GlobalContext, LocalContext, Request
from runtime.context import registry
from runtime.errors import UnusedFaultError
from runtime.testing import FakeClock, FakeModule, Harness, SeededIds
from runtime.testing.counting import requests_of
from tests.laws.grammar import check_stream


def shop() -> App:
    app = App("faults")
    app.module("bank", FakeModule(charge=lambda: True), methods=("charge",))

    @app.handler("POST /n", on_disconnect="cancel")
    async def place(req: Request[dict[str, int]], lctx: LocalContext, gctx: GlobalContext) -> int:
        lctx.set("n", 1)
        await gctx.modules.bank.charge()
        await lctx.sleep(1)
        return 1

    return app


SHOP = shop()
BODY = {"n": 1}


@pytest.mark.proves("TH-10", "CN-7")
@given(
    faults=st.lists(
        st.sampled_from([None, 1, "response.sent", "full", "gone", "halfway"]), max_size=5
    )
)
def test_whatever_goes_wrong_each_stream_in_the_log_is_whole(
    faults: list[int | str | None],
) -> None:
    """Seen to fail with a dead log that goes on writing, and with one that is never revived."""
    answered = 0
    with Harness(SHOP) as harness:
        for fault in faults:
            seen(f"{fault}")
            match fault:
                case None:
                    pass
                case "full":
                    harness.store_full()
                case "gone" | "halfway":
                    harness.disconnect_after(100 if fault == "gone" else 3)
                case at:
                    harness.crash_at(at)
            if fault in (1, "response.sent"):
                with pytest.raises(ConnectionError):
                    harness.post("/n", json=BODY)
                harness.reopen()
                continue
            result = harness.post("/n", json=BODY)
            answered += fault != "full"
            wanted: dict[int | str | None, int] = {
                None: 200,
                "full": 503,
                "gone": result.status,
                "halfway": 400,
            }
            assert result.status == wanted[fault]
            if fault == "full":
                # What the log refused is tried again a second later, before anything is begun.
                harness.advance(1.001)
            if fault == "gone":
                assert "handler.failed" in result.types
        found = requests_of(harness.harness.store)
    streams = dict.fromkeys(event.stream for event in found)
    assert len(streams) == answered
    for stream in streams:
        check_stream([event for event in found if event.stream == stream])


@pytest.mark.proves("TH-10")
def test_a_client_that_stays_is_not_taken_for_one_that_left() -> None:
    with Harness(SHOP) as harness:
        harness.post("/n", json=BODY).assert_status(200)


@pytest.mark.proves("TH-10")
def test_faults_that_nothing_met_are_named() -> None:
    harness = Harness(SHOP)
    with pytest.raises(UnusedFaultError) as refused, harness as asked:  # noqa: PT012
        asked.disconnect_after(7)
        asked.crash_at("context.edited")
        asked.store_full(times=9)
        asked.post("/n", json=BODY)
        asked.disconnect_after(7)
    for told in ("disconnect_after 7", "crash_at context.edited", "store_full ("):
        assert told in refused.value.problem


@pytest.mark.proves("TH-10")
def test_a_log_of_ones_own_has_no_faults() -> None:
    store = MemoryStore(registry(), FakeClock(), SeededIds())
    with Harness(SHOP, store=store) as harness, pytest.raises(TypeError, match="store="):
        harness.store_full()
