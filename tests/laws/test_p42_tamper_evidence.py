"""P42: what is recorded of an execution is all of it, and whoever alters it is found."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Store, Verdict
from eventstore.sql import open_store
from runtime import App, GlobalContext, LocalContext, Request
from runtime.context import registry
from runtime.control import control_stream, read_manifests
from runtime.testing import FakeClock, FakeModule, Harness, Result, SeededIds
from tests.eventstore.altered import copied, past_the_guards, rechain, rows
from tests.laws.grammar import check_stream


class Order(msgspec.Struct):
    n: int


BODIES = [{"n": 1}, {"n": 0}, {"n": "x"}, {"n": 2}, {"n": -1}, {"n": 7}]
"""Some run, some fail in the handler, one is refused."""
STATUSES = [200, 500, 400, 200, 500, 200]
RAN = [
    "request.received", "principal.established", "version.resolved", "phase.changed",
    "phase.changed", "handler.started", "context.set", "effect.requested", "effect.returned",
    "handler.ended", "response.sent",
]  # fmt: skip


def shop() -> App:
    app = App("taxed")
    app.module("tax", FakeModule(of=lambda n: n), methods=("of",))

    @app.handler("POST /orders", version="2026-10-01")
    async def place(req: Request[Order], lctx: LocalContext, gctx: GlobalContext) -> int:
        lctx.set("n", req.body.n)
        return int(12 / await gctx.modules.tax.of(max(req.body.n, 0)))

    return app


def opened(path: Path, mode: Any) -> Store:
    return open_store(
        f"sqlite:///{path}", mode=mode, durability="volatile", registry=registry(),
        clock=FakeClock(), ids=SeededIds(3),
    )  # fmt: skip


class Recorded(msgspec.Struct):
    """A file of requests, closed and sealed, and how they were answered."""

    path: Path
    results: list[Result]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    path = tmp_path_factory.mktemp("recorded") / "log.db"
    with opened(path, "hold") as store, Harness(shop(), store=store, replayed=False) as harness:
        results = [harness.post("/orders", json=body) for body in BODIES]
    return Recorded(path, results)


def verdict(path: Path) -> Verdict:
    with opened(path, "read") as store:
        return store.verify()


@pytest.mark.proves("P42")
@given(data=st.data())
def test_p42_whoever_alters_a_record_is_found_at_the_first_row_that_is_not_as_it_was(
    recorded: Recorded, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Seen to fail with a verifier that checks the order of rows but not their digests, and with
    one that does not compare the marks of a seal with the chain.
    """
    path = copied(recorded.path, tmp_path_factory.getbasetemp() / "tampered.db")
    kind = data.draw(st.sampled_from(["nothing", "flipped", "dropped", "swapped", "rechained"]))
    seen(kind)
    with past_the_guards(path) as connection:
        stored = rows(connection)
        at = data.draw(st.integers(0, len(stored) - 2))
        row, other = stored[at], stored[data.draw(st.integers(at + 1, len(stored) - 1))]
        text = bytearray(row.data.encode())
        text[data.draw(st.integers(0, len(text) - 1))] ^= data.draw(st.integers(1, 127))
        changes: dict[str, list[tuple[str, tuple[Any, ...]]]] = {
            "nothing": [],
            "flipped": [(_PUT, (bytes(text), row.salt, row.digest, row.pos))],
            "dropped": [("DELETE FROM commits WHERE pos = ?", (row.pos,))],
            "swapped": [
                (_PUT, (other.data.encode(), other.salt, other.digest, row.pos)),
                (_PUT, (row.data.encode(), row.salt, row.digest, other.pos)),
            ],
            "rechained": [(_PUT, (bytes(text), row.salt, _digest(row.salt, text), row.pos))],
        }
        for statement, values in changes[kind]:
            connection.execute(statement, values)
        if kind == "rechained":
            rechain(connection)

    said = verdict(path)

    if kind == "nothing":
        assert (said.fault, said.checked) == (None, len(stored))
    else:
        assert said.fault is not None
        assert (said.position, said.verified_to) == (row.pos, row.pos - 1)


_PUT = "UPDATE commits SET data = CAST(? AS TEXT), salt = ?, digest = ? WHERE pos = ?"


def _digest(salt: bytes | None, text: bytearray) -> bytes:
    return hashlib.sha256(b"\0" + (salt or b"") + text).digest()


@pytest.mark.proves("P42", "MS-4")
def test_a_record_says_who_ran_what_by_which_manifest_and_all_that_happened(
    recorded: Recorded,
) -> None:
    app = shop()
    with opened(recorded.path, "read") as store:
        kept = read_manifests(store, control_stream("taxed"))
        assert [result.status for result in recorded.results] == STATUSES
        for result, body in zip(recorded.results, BODIES, strict=True):
            facts = list(store.read(result.facts[0].stream))
            check_stream(facts)
            resolved = next(each for each in facts if each.type == "version.resolved")
            declared = kept.manifest("post-orders", resolved.key or "")

            assert facts == list(result.facts)
            assert result.headers["request-id"] == f"req-{facts[0].stream.hex}"
            assert declared == app.manifests[0]
            assert declared is not None
            assert facts[0].data.body == body
            assert facts[-1].data.status == result.status
            assert store.verify_stream(facts[0].stream).fault is None
        assert recorded.results[0].types == RAN
        assert "handler.started" not in recorded.results[2].types
