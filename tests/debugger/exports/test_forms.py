"""Exports as lines, tests and bundles: what is in them, what is not, and that they open."""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debugger.cli.exits import Exit
from debugger.errors import (
    BadInputError,
    CorruptError,
    DebuggerError,
    NotFoundError,
    WriteRefusedError,
)
from debugger.exports import Masks, as_lines, gather, opened_bundle, write_file
from debugger.exports import bundle as bundles
from debugger.exports.hiding import hidden_places
from debugger.session import Session
from debugger.timeline.pointers import ABSENT, join, lookup, parts
from eventstore import Event, Position, Revision, StreamId
from eventstore.memory import MemoryStore
from runtime.context import REQUEST_REDUCER
from runtime.facts import Change, ContextEdited
from tests.debugger.stores import Shop, memory_store, shop, sqlite_store
from tests.faces.command_line import run
from tests.runtime.replay.shop import Pricing, record
from tests.runtime.replay.shop import shop as app_of
from tests.strategies import STREAM, History, histories

CANARY = "4111 1111"
APP = "tests.faces.replayed_app:app"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Shop]:
    """A store file that nobody holds, and which request of it is which."""
    path = tmp_path_factory.mktemp("filled") / "shop.db"
    with sqlite_store(path) as store:
        made = shop(store)
    return f"sqlite:///{path}", made


@pytest.fixture(scope="module")
def sold() -> Iterator[tuple[MemoryStore, str]]:
    """A request of a real app, with a value that must not be recorded."""
    store, stream = record(app_of(Pricing()), {"sku": "mug", "quantity": 2, "card": CANARY})
    yield store, f"req-{stream.hex}"
    store.close()


def exported(url: str, form: str, out: Path, *words: str) -> Path:
    said = run("export", *words, "--as", form, "--out", str(out), "--store", url)
    assert said.status == Exit.OK, said.err
    return out


# --- files ---


@pytest.mark.proves("AD-17")
def test_a_file_is_for_its_owner_and_not_written_over_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "case"
    write_file(path, b"one")
    with pytest.raises(WriteRefusedError, match="is there already"):
        write_file(path, b"two")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"one", 0o600)

    write_file(path, b"two", force=True)

    assert path.read_bytes() == b"two"
    assert [each.name for each in tmp_path.iterdir()] == ["case"]


# --- lines ---


@pytest.mark.proves("AD-14", "CL-15")
def test_lines_begin_with_what_they_are_and_end_with_their_digest(
    sold: Any, tmp_path: Path
) -> None:
    store, request = sold
    out = tmp_path / "case.jsonl"
    said = run("export", request, "--as", "jsonl", "--out", str(out), "--json", store=store)
    *body, last = out.read_bytes().splitlines(keepends=True)
    header, *facts = map(json.loads, body)
    end = json.loads(last)

    assert said.status == Exit.OK
    assert (header["kind"], header["requests"], header["where"]) == ("recording", [request], "")
    assert header["logs"][0]["position"] == store.end()
    assert [fact["revision"] for fact in facts] == list(range(1, len(facts) + 1))
    assert end["facts"] == len(facts) == said.records[0]["facts"]
    assert end["sha256"] == hashlib.sha256(b"".join(body)).hexdigest()
    assert {"request": request, "revision": 1, "pointer": "/body/card", "how": "redacted"} in (
        header["hidden"]
    )
    assert said.records[0]["redacted"] == header["hidden"]


@pytest.mark.proves("AD-17")
@pytest.mark.parametrize("form", ["jsonl", "html", "pytest"])
def test_a_sensitive_value_is_in_no_export(form: str, sold: Any, tmp_path: Path) -> None:
    store, request = sold
    out = tmp_path / "case"
    words = ("export", request, "--as", form, "--app", APP, "--out", str(out))

    assert run(*words, store=store).status == Exit.OK
    assert CANARY.encode() not in out.read_bytes()
    assert b"redacted" in out.read_bytes()


# --- masks ---


@pytest.mark.proves("AD-17")
@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("$dict", 0), [["a", 1], ["$", 2]], [["a", 1], ["$", {"$redacted": True}]]),
        (("$dict", 0, 1, 0), [1, 2], [{"$redacted": True}] * 2),
    ],
)
def test_what_an_edit_puts_into_a_dict_of_odd_keys_is_masked(
    path: tuple[str | int, ...], value: list[Any], told: list[Any]
) -> None:
    edited = ContextEdited((Change("splice", path, value),))
    event = Event(Position(1), STREAM, Revision(1), "context.edited", edited, "cart", 1, None)

    (masked,) = Masks(['/cart/"$"'])([event])

    assert list(masked.data.patch[0].value) == told


@pytest.mark.proves("AD-17")
@given(history=histories(), data=st.data())
def test_what_is_masked_is_in_no_moment(history: History, data: st.DataObject) -> None:
    """Whatever wrote a place, by setting, editing or restoring: its value is not shown."""
    places = sorted({place for values in history.values_at for place in places_of(values)})
    place = data.draw(st.sampled_from(places)) if places else ("none",)
    masks = Masks([join(place)])
    state = REQUEST_REDUCER.initial()

    for event in masks(history.events):
        state = REQUEST_REDUCER.apply(state, event)
        assert lookup(state.values, place) in (ABSENT, {"$redacted": True})
        kept = history.values_at[event.revision]
        for key in kept.keys() - {place[0]}:
            assert state.values[key] == kept[key]
    if not places:
        with pytest.raises(NotFoundError):
            masks.require_matched()


def places_of(values: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Give the keys, and what is directly in their values."""
    for key, value in values.items():
        yield (key,)
        inner = parts(value)
        names = inner if isinstance(inner, Mapping) else map(str, range(len(inner or ())))
        yield from ((key, name) for name in names)


@pytest.mark.proves("AD-17")
def test_a_part_of_a_value_and_of_a_fact_can_be_left_out(sold: Any, tmp_path: Path) -> None:
    store, request = sold
    out = tmp_path / "case.jsonl"
    hide = ("--redact", "/seen/1", "--redact", "effect.returned:/value")
    run("export", request, "--as", "jsonl", *hide, "--out", str(out), store=store)
    facts = [json.loads(line) for line in out.read_text("ascii").splitlines()[1:-1]]
    seen = next(each["data"]["value"] for each in facts if each["key"] == "seen")
    answers = [each["data"]["value"] for each in facts if each["type"] == "effect.returned"]

    assert seen == [{"$redacted": True}] * 3
    assert answers == [{"$redacted": True}] * len(answers)
    missed = run("export", request, "--as", "jsonl", "--redact", "/sene", "--out", str(out),
                 "--force", store=store)  # fmt: skip
    assert (missed.status, "hides nothing" in missed.err) == (Exit.NOT_FOUND, True)


@pytest.mark.proves("AD-17")
def test_all_ways_to_hide_are_told_apart() -> None:
    from tests.debugger.stores import Story, Ticks  # noqa: PLC0415
    from tests.strategies import as_events  # noqa: PLC0415

    story = Story(Ticks()).set("a", [{"$redacted": True}, {"$sealed": [1, "eA=="]}])
    story.set("b", {"$forgotten": 1})
    found = [(each.pointer, each.how) for each in hidden_places("req", as_events(story.events))]

    assert found == [("/value/0", "redacted"), ("/value/1", "sealed"), ("/value", "forgotten")]


# --- tests ---


@pytest.mark.proves("RP-6")
def test_an_exported_test_passes_and_fails_with_other_code(sold: Any, tmp_path: Path) -> None:
    store, request = sold
    ran = {}
    for name in ("app", "changed"):
        out = tmp_path / f"test_{name}.py"
        app = f"tests.faces.replayed_app:{name}"
        run("export", request, "--as", "pytest", "--app", app, "--out", str(out), store=store)
        names: dict[str, Any] = {}
        exec(compile(out.read_text("ascii"), str(out), "exec"), names)  # noqa: S102 - as pytest does
        ran[name] = next(each for name, each in names.items() if name.startswith("test_"))

    ran["app"]()
    with pytest.raises(AssertionError, match="Code and record part at #"):
        ran["changed"]()
    assert '# "/body/card": ...,  # redacted' in out.read_text("ascii")


@pytest.mark.proves("RP-6", "CL-2")
def test_a_request_without_an_answer_makes_no_test(filled: Any, tmp_path: Path) -> None:
    url, made = filled
    said = run("export", f"req-{made.running.hex}", "--as", "pytest", "--app", APP, "--out",
               str(tmp_path / "t.py"), "--store", url)  # fmt: skip

    assert (said.status, "was not answered" in said.err) == (Exit.BAD_INPUT, True)


# --- bundles ---


@pytest.mark.proves("AD-15", "CL-15")
def test_a_bundle_has_the_same_bytes_each_time_and_opens_in_place(
    filled: Any, tmp_path: Path
) -> None:
    url, made = filled
    names = [f"req-{each.hex}" for each in (made.fork, made.failing)]
    one = exported(url, "bundle", tmp_path / "one.timescape", *names)
    two = exported(url, "bundle", tmp_path / "two.timescape", *names)
    asked = ("--store", str(one), "--json")

    assert one.read_bytes() == two.read_bytes()
    # With a fork goes what it goes on from.
    listed = {each["request"] for each in run("requests", *asked).records}
    assert listed == {*names, f"req-{made.order.hex}"}
    for command in ("log", "state", "snapshots"):
        there = run(command, names[0], "--store", url, "--json")
        assert run(command, names[0], *asked).out == there.out
    verified = run("verify", "--store", str(one))
    assert (verified.status, "is not provable from it" in verified.err) == (Exit.OK, True)
    refused = run("restore", names[1], "--at", "3", "--store", str(one))
    assert refused.status == Exit.WRITE_REFUSED


@pytest.mark.proves("AD-15", "CL-15")
def test_a_bundle_is_checked_and_imported(filled: Any, tmp_path: Path) -> None:
    url, made = filled
    out = exported(url, "bundle", tmp_path / "case.timescape", f"req-{made.order.hex}")
    new = f"sqlite:///{tmp_path / 'new.db'}"

    assert run("import", "--check", str(out)).status == Exit.OK
    assert run("import", str(out), "--store", new, "--json").records[0]["requests"] == 1
    assert run("log", f"req-{made.order.hex}", "--store", new).status == Exit.OK


@pytest.mark.proves("AD-15", "LN-4")
def test_a_bundle_carries_sources_where_they_are_asked_for(filled: Any, tmp_path: Path) -> None:
    url, made = filled
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "shop.py").write_text("one\n" * 40, "utf-8")
    words = (f"req-{made.order.hex}", "--source", str(folder))
    out = exported(url, "bundle", tmp_path / "case.timescape", *words)

    with opened_bundle(out) as opened:
        assert opened.sources is not None
        assert (opened.sources / "shop.py").read_text("utf-8") == "one\n" * 40
        unpacked = opened.log.parent
    assert not unpacked.exists()


def repacked(source: Path, target: Path, other: dict[str, bytes] | None = None) -> Path:
    """Copy a bundle with other parts, and what it says of them put right."""
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts |= other or {}
    about = json.loads(parts.pop("bundle.json"))
    about["sha256"] = {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in {"bundle.json": json.dumps(about).encode(), **parts}.items():
            archive.writestr(name, part)
    return target


@pytest.mark.proves("AD-15")
def test_a_bundle_that_could_do_harm_is_refused(filled: Any, tmp_path: Path) -> None:
    url, made = filled
    good = exported(url, "bundle", tmp_path / "good.timescape", f"req-{made.order.hex}")
    bad = tmp_path / "bad.timescape"

    with opened_bundle(repacked(good, bad)):
        pass
    for name in ("sources/../../x", "/etc/x", "other", "sources//x", "sources/a/", "sources/c:x"):
        with pytest.raises(BadInputError), opened_bundle(repacked(good, bad, {name: b"x"})):
            pass
    bomb = repacked(good, bad, {"sources/zeros": b"\0" * (1 << 22)})
    with pytest.raises(BadInputError, match="packed to less than"), opened_bundle(bomb):
        pass
    with pytest.raises(NotFoundError), opened_bundle(tmp_path / "none.timescape"):
        pass
    bad.write_bytes(b"PK\3\4 nothing")
    with pytest.raises(BadInputError), opened_bundle(bad):
        pass


@pytest.mark.proves("AD-15")
def test_a_bundle_of_more_than_a_gibibyte_is_refused(
    filled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, made = filled
    good = exported(url, "bundle", tmp_path / "good.timescape", f"req-{made.order.hex}")
    monkeypatch.setattr(bundles, "MOST_BYTES", 1000)

    with pytest.raises(BadInputError, match="more than 1000 bytes"), opened_bundle(good):
        pass


@pytest.mark.proves("AD-15")
def test_a_bundle_that_is_damaged_anywhere_is_told_so(filled: Any, tmp_path: Path) -> None:
    url, made = filled
    good = exported(url, "bundle", tmp_path / "good.timescape", f"req-{made.order.hex}")
    whole, bad = good.read_bytes(), tmp_path / "bad.timescape"

    @settings(max_examples=200)
    @given(at=st.integers(0, len(whole) - 1), byte=st.integers(0, 255))
    def holds(at: int, byte: int) -> None:
        bad.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
        try:
            with opened_bundle(bad) as opened:
                assert opened.log.exists()
        except DebuggerError as error:
            assert error.remedy  # noqa: PT017 - most bytes are of no consequence

    holds()
    # The packed bytes of the log begin behind a header of 30 bytes and a name of 7.
    at = whole.index(b"log.tsx") + 7
    bad.write_bytes(whole[:at] + b"\xff" * 64 + whole[at + 64 :])
    with pytest.raises(BadInputError, match="cannot be unpacked"), opened_bundle(bad):
        pass


@pytest.mark.proves("AD-17")
def test_a_link_in_the_place_of_a_bundle_is_not_followed(filled: Any, tmp_path: Path) -> None:
    url, made = filled
    theirs = tmp_path / "theirs"
    theirs.write_bytes(b"theirs")
    (tmp_path / f"a.timescape.{os.getpid()}.tmp").symlink_to(theirs)

    said = run(
        "export", f"req-{made.order.hex}", "--as", "bundle", "--store", url,
        "--out", str(tmp_path / "a.timescape"),
    )  # fmt: skip

    assert said.status == Exit.UNAVAILABLE
    assert theirs.read_bytes() == b"theirs"


@pytest.mark.proves("AD-15", "AD-13")
def test_an_altered_bundle_does_not_open(filled: Any, tmp_path: Path) -> None:
    url, made = filled
    good = exported(url, "bundle", tmp_path / "good.timescape", f"req-{made.order.hex}")
    with zipfile.ZipFile(good) as archive:
        log = archive.read("log.tsx")
    bad = tmp_path / "bad.timescape"
    altered = log.replace(b"mug", b"jug")
    with zipfile.ZipFile(good) as archive, zipfile.ZipFile(bad, "w") as target:
        target.writestr("bundle.json", archive.read("bundle.json"))
        target.writestr("log.tsx", altered)

    assert altered != log
    with pytest.raises(CorruptError, match=r"log\.tsx"), opened_bundle(bad):
        pass
    # Whoever puts the digests right meets the chain.
    said = run("requests", "--store", str(repacked(good, bad, {"log.tsx": altered})))
    assert (said.status, "not as it was written" in said.err) == (Exit.CORRUPT, True)


@pytest.mark.proves("AD-15")
def test_nothing_of_a_bundle_is_run(filled: Any, tmp_path: Path) -> None:
    """A view or a trigger of somebody else's in the export is enough to refuse it."""
    import sqlite3  # noqa: PLC0415

    url, made = filled
    good = exported(url, "bundle", tmp_path / "good.timescape", f"req-{made.order.hex}")
    log = tmp_path / "log.tsx"
    with zipfile.ZipFile(good) as archive:
        log.write_bytes(archive.read("log.tsx"))
    connection = sqlite3.connect(log)
    connection.execute("CREATE VIEW theirs AS SELECT 1")
    connection.commit()
    connection.close()
    bad = repacked(good, tmp_path / "bad.timescape", {"log.tsx": log.read_bytes()})

    said = run("requests", "--store", str(bad))

    assert (said.status, "tables are not those" in said.err) == (Exit.BAD_INPUT, True)


# --- the command ---


@pytest.mark.proves("CL-15", "CL-2")
def test_the_command_refuses_what_it_cannot_do(sold: Any, tmp_path: Path) -> None:
    store, request = sold
    out = ("--out", str(tmp_path / "case"))
    refused = [
        ("--as", "html"),
        (request, "--as", "pytest"),
        (request, "--as", "bundle", "--redact", "/seen"),
        (request, "--redact", "/seen"),
        (request, "--as", "jsonl", "--redact", "/"),
    ]

    for words in refused:
        said = run("export", *words, *out, store=store)
        assert said.status == Exit.BAD_INPUT, words
        assert len(said.err.splitlines()) >= 2, words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.proves("CL-15")
def test_a_filter_chooses_what_is_exported(filled: Any, tmp_path: Path) -> None:
    url, made = filled
    out = exported(url, "jsonl", tmp_path / "case.jsonl", "--where", "status:500")
    header = json.loads(out.read_text("ascii").splitlines()[0])

    assert header["where"] == "status:500"
    assert header["requests"] == [f"req-{made.failing.hex}"]


@pytest.mark.proves("AD-14")
def test_lone_surrogates_are_written_as_escapes() -> None:
    store = memory_store()
    made = shop(store)
    with Session(store) as session:
        text = as_lines(gather(session, [StreamId(made.hostile)]))

    assert text.isascii()
    assert STREAM is not None
