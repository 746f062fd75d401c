"""What a log keeps of manifests: a fold of its facts, which a file carries elsewhere (MS-*)."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from debugger.cli import Exit
from eventstore import Event, NewEvent, Store, StreamId
from eventstore.memory import MemoryStore
from eventstore.sql import open_store
from runtime import App, Module
from runtime.context import CONTROL, registry
from runtime.control import (
    control_stream,
    export_manifests,
    import_manifests,
    read_manifests,
)
from runtime.errors import (
    ConflictError,
    CorruptManifestError,
    ImmutableManifestError,
    ManifestError,
)
from runtime.manifests import HandlerManifest
from runtime.manifests.carrying import read_bundle
from runtime.manifests.kept import Counts, Manifests, fold_manifests
from runtime.module_facts import ModuleRegistered
from runtime.testing import FakeClock, Harness, SeededIds
from runtime.transform_facts import TransformerRegistered
from runtime.version_facts import HandlerDeployed, VersionTagged
from tests.faces.command_line import run
from tests.routes import EDITIONS, HANDLER, history, version_id
from tests.runtime.test_differences import PLAIN, TYPES, stored

NAMES = itertools.count(1)


def deployed(
    number: int, manifest: HandlerManifest | None, *, handler: str = HANDLER, whole: bool = True
) -> tuple[str, HandlerDeployed]:
    """Deploy a version that declares *manifest*; not *whole*: its document stands elsewhere."""
    fact = HandlerDeployed(
        handler,
        f"POST /{handler}",
        EDITIONS[number % 4],
        f"code-{number}",
        manifest="" if manifest is None else manifest.digest,
        declares=manifest.plain() if manifest is not None and whole else None,
    )
    return version_id(number, handler), fact


def drawn_before(count: int) -> list[HandlerManifest]:
    """Give manifests that differ in type, method and limits."""
    return [
        msgspec.structs.replace(
            PLAIN,
            handler=handler,
            method=("POST", "PUT")[n % 2],
            doc=f"number {n}: ü" if n % 3 else "",
            body=TYPES_OF[n % len(TYPES_OF)],
        )
        for n, handler in enumerate([HANDLER, "get-cart"] * count)
    ]


def of(manifest: HandlerManifest, handler: str) -> HandlerManifest:
    return msgspec.structs.replace(manifest, handler=handler)


@st.composite
def told(draw: st.DrawFn) -> list[Event]:
    """Draw a control stream of two handlers, whose documents stand in it once each."""
    facts: list[tuple[str, Any]] = []
    known: set[str] = set()
    choices = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    for number in range(1, draw(st.integers(1, 6)) + 1):
        manifest = MANIFESTS[draw(st.sampled_from(choices)) * 2 + draw(st.integers(0, 1))]
        handler = manifest.handler
        facts.append(
            deployed(number, manifest, handler=handler, whole=manifest.digest not in known)
        )
        known.add(manifest.digest)
        if draw(st.booleans()):
            facts.append((version_id(number, handler), VersionTagged("beta")))
    first = facts[0][1].handler
    facts.append((first, TransformerRegistered("", EDITIONS[1] or "", "sha256:1")))
    return history(*facts)


TYPES_OF = [stored(hint) for hint in TYPES]
MANIFESTS = drawn_before(3)


class Stores:
    """Backends that are there for all examples; each example has a stream of its own."""

    def __init__(self, folder: Path) -> None:
        self._url = f"sqlite:///{folder}/log.db"
        self.memory: Store = MemoryStore(registry(), FakeClock(), SeededIds())
        self.sqlite = self._open("hold")
        self.reopened = self._open("read")
        """The file, as another process has it."""

    def _open(self, mode: Any) -> Store:
        return open_store(
            self._url, mode=mode, durability="volatile", registry=registry(), clock=FakeClock(),
            ids=SeededIds(),
        )  # fmt: skip

    @property
    def all(self) -> tuple[Store, Store]:
        return self.memory, self.sqlite


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    made = Stores(tmp_path_factory.mktemp("kept"))
    yield made
    made.reopened.close()
    made.sqlite.close()
    made.memory.close()


def append(store: Store, stream: StreamId, events: list[Event]) -> None:
    new = [NewEvent(event.type, event.data, event.key, event.at_us) for event in events]
    revision = store.head(stream).revision
    store.append(stream, new, kind=CONTROL.name, expected=revision).result()


def moved(kept: Manifests) -> dict[str, Any]:
    """Give all that is kept, but where in the log it stood."""
    return {
        "versions": [msgspec.structs.replace(each, position=0) for each in kept.versions.values()],
        "pairs": list(kept.pairs),
        "documents": dict(kept.documents),
        "types": kept.types,
    }


@pytest.mark.proves("P39", "MS-1", "MS-2", "MS-3", "MS-5")
@given(events=told())
def test_p39_manifests_come_back_unchanged_from_every_backend(
    stores: Stores, events: list[Event]
) -> None:
    """Seen to fail with `line` in the order of ids, and with documents kept by version."""
    naive = {(e.data.handler, e.key): e.data for e in events if type(e.data) is HandlerDeployed}
    documents = {d.manifest: d.declares for d in naive.values() if d.declares is not None}
    stream = control_stream(f"app-{next(NAMES)}")
    for store in stores.all:
        append(store, stream, events)

    found = [read_manifests(each, stream) for each in (*stores.all, stores.reopened)]

    assert moved(found[0]) == moved(found[1]) == moved(found[2]) == moved(fold_manifests(events))
    for kept in found:
        for (handler, version), fact in naive.items():
            manifest = kept.manifest(handler, version or "")
            assert manifest is not None
            assert manifest.plain() == documents[fact.manifest]
            assert manifest.digest == fact.manifest
        for handler in {handler for handler, _ in naive}:
            line = kept.line(handler)
            own = [(fact.edition or "", key) for (h, key), fact in naive.items() if h == handler]
            assert [(each.edition or "", str(each.id)) for each in line] == sorted(own)
            assert kept.newest(handler) == line[-1]
        assert set(kept.documents) == set(documents)
    seen("documents shared" if len(documents) < len(naive) else "each its own")


@pytest.mark.proves("P39", "MS-6")
@given(events=told(), cut=st.integers(0, 12))
def test_p39_a_file_carries_them_whole_and_twice_is_once(
    stores: Stores, events: list[Event], cut: int
) -> None:
    """Seen to fail with a document in every fact, and with all facts appended each time."""
    stream = control_stream(f"app-{next(NAMES)}")
    append(stores.memory, stream, events)
    text = export_manifests(stores.memory, stream)
    append_to = stores.sqlite
    if events[:cut]:
        append(append_to, stream, events[:cut])

    count = import_manifests(append_to, read_bundle(text))
    again = import_manifests(append_to, read_bundle(text))

    seen("some were there" if events[:cut] else "nothing was there")
    assert count == len(events[cut:])
    assert again == 0
    assert moved(read_manifests(append_to, stream)) == moved(fold_manifests(events))
    assert export_manifests(append_to, stream) == text
    whole = [e.data.manifest for e in append_to.read(stream) if getattr(e.data, "declares", None)]
    assert len(whole) == len(set(whole))


KNOWN = of(PLAIN, HANDLER)
OTHER = msgspec.structs.replace(KNOWN, method="PUT")


@pytest.mark.proves("P39", "MS-1", "MS-3", "MS-7")
def test_versions_are_found_by_name_order_digest_and_position() -> None:
    events = history(deployed(2, KNOWN), deployed(1, OTHER), deployed(5, KNOWN, whole=False))
    kept = fold_manifests(events)

    assert [str(each.id) for each in kept.line(HANDLER)] == [
        version_id(1), version_id(5), version_id(2),
    ]  # fmt: skip
    assert str(getattr(kept.newest(HANDLER), "id", "")) == version_id(2)
    assert kept.manifest(HANDLER, version_id(5)) == KNOWN
    assert kept.document(OTHER.digest) == msgspec.json.encode(OTHER.plain(), order="sorted")
    assert kept.counts == Counts(handlers=1, versions=3, types=1, modules=0, transformers=0)
    assert list(fold_manifests(events, position=1).versions) == [(HANDLER, version_id(2))]


@pytest.mark.proves("MS-3")
def test_what_is_unknown_is_none_or_nothing_everywhere() -> None:
    kept = fold_manifests(history(deployed(1, None)))

    assert kept.manifest(HANDLER, version_id(1)) is None
    assert kept.manifest(HANDLER, "tsv:1-a-001") is None
    assert kept.module("stock", 1) is None
    assert kept.newest("nobody") is None
    assert kept.line("nobody") == []
    assert kept.document("sha256:0") is None


@pytest.mark.proves("MS-2")
def test_a_version_deployed_again_otherwise_is_left_as_it_was() -> None:
    kept = fold_manifests(history(deployed(1, KNOWN), deployed(1, OTHER)))

    assert kept.manifest(HANDLER, version_id(1)) == KNOWN


@pytest.mark.proves("P39", "MS-2")
def test_who_changes_what_was_read_changes_nothing() -> None:
    module = Module("stock").manifest
    fact = ModuleRegistered((), digest=module.digest, manifest=module.plain())
    kept = fold_manifests(history(("stock", fact)))
    given = kept.module("stock", 1)
    assert given is not None

    given.methods["stolen"] = given.methods.get("left")  # type: ignore[assignment]

    assert kept.module("stock", 1) == module
    with pytest.raises(TypeError):
        kept.documents["sha256:0"] = b""  # type: ignore[index]


FORGED = msgspec.structs.replace(deployed(1, KNOWN)[1], declares=OTHER.plain())


@pytest.mark.proves("MS-4")
def test_a_document_that_is_not_what_its_digest_says_is_not_used() -> None:
    kept = fold_manifests(history((version_id(1), FORGED)))

    assert kept.documents == {}
    assert kept.hooks == {}
    with pytest.raises(CorruptManifestError, match=version_id(1)):
        kept.manifest(HANDLER, version_id(1))


@pytest.mark.proves("MS-4")
def test_verify_reports_it_and_a_file_does_not_carry_it() -> None:
    with MemoryStore(registry(), FakeClock(), SeededIds()) as store:
        append(store, control_stream("shop"), history((version_id(1), FORGED)))

        said = run("verify", store=store)
        carried = run("manifest", "export", "never.json", store=store)

    assert said.status == carried.status == Exit.CORRUPT
    assert KNOWN.digest in said.err
    assert not Path("never.json").exists()


class Racing(MemoryStore):
    """Somebody else appends right after the stream was read."""

    def read(self, stream: StreamId, first: int = 1, last: int | None = None) -> Iterator[Event]:
        found = list(super().read(stream, first, last))
        append(self, stream, history(deployed(9, OTHER)))
        return iter(found)


@pytest.mark.proves("MS-5")
def test_of_two_who_import_at_once_one_is_refused_and_changed_nothing() -> None:
    with MemoryStore(registry(), FakeClock(), SeededIds()) as source:
        append(source, control_stream("shop"), history(deployed(1, KNOWN)))
        bundle = read_bundle(export_manifests(source, control_stream("shop")))

    with Racing(registry(), FakeClock(), SeededIds()) as store:
        with pytest.raises(ConflictError):
            import_manifests(store, bundle)

        assert store.head(control_stream("shop")).revision == 1


@pytest.mark.proves("MS-2", "MS-6")
def test_a_log_that_went_another_way_is_not_overwritten() -> None:
    stream = control_stream("shop")
    with (
        MemoryStore(registry(), FakeClock(), SeededIds()) as source,
        MemoryStore(registry(), FakeClock(), SeededIds()) as store,
    ):
        append(source, stream, history(deployed(1, KNOWN)))
        append(store, stream, history(deployed(1, OTHER)))

        with pytest.raises(ImmutableManifestError, match=OTHER.digest):
            import_manifests(store, read_bundle(export_manifests(source, stream)))

        assert store.head(stream).revision == 1


def _other_document(plain: dict[str, Any]) -> None:
    plain["documents"][KNOWN.digest]["doc"] = "altered"


def _no_document(plain: dict[str, Any]) -> None:
    plain["documents"] = {"sha256:5": 5}


def _about_nobody(plain: dict[str, Any]) -> None:
    plain["facts"] = plain["facts"][1:]


def _of_others(plain: dict[str, Any]) -> None:
    plain["facts"][0]["type"] = "context.set"
    plain["stream"] = "../etc"


def _newer(plain: dict[str, Any]) -> None:
    plain["form"] = 2


SPOILT: list[tuple[Callable[[dict[str, Any]], None], list[str]]] = [
    (_other_document, ["its digest", f"document {KNOWN.digest} has another"]),
    (_no_document, [f"refers to document {KNOWN.digest}", "sha256:5 has another", "to nothing"]),
    (_about_nobody, ["fact 1 (version.tagged", "fact 2 (transformer.registered", "to nothing"]),
    (_of_others, ["is no stream", "such facts are not carried", "not deployed before it"]),
    (_newer, ["of form 2"]),
]


@pytest.mark.proves("MS-6")
@pytest.mark.parametrize(("spoil", "problems"), SPOILT)
def test_a_file_that_is_not_whole_is_refused_with_all_that_is_wrong(
    spoil: Callable[[dict[str, Any]], None], problems: list[str]
) -> None:
    facts = [
        deployed(1, KNOWN), (version_id(1), VersionTagged("beta")),
        (HANDLER, TransformerRegistered("", "2026-03-01", "sha256:1")),
    ]  # fmt: skip
    with MemoryStore(registry(), FakeClock(), SeededIds()) as store:
        append(store, control_stream("shop"), history(*facts))
        plain = msgspec.json.decode(export_manifests(store, control_stream("shop")))

    spoil(plain)

    with pytest.raises(ManifestError) as refused:
        read_bundle(msgspec.json.encode(plain))
    assert [each for each in problems if each not in refused.value.problem] == []


@pytest.mark.proves("MS-1", "MS-6")
def test_manifests_of_an_app_go_from_log_to_log_by_the_command_line(
    tmp_path: Path,
) -> None:
    path, clock = tmp_path / "shop.json", FakeClock()
    with (
        MemoryStore(registry(), clock, SeededIds()) as live,
        MemoryStore(registry(), clock, SeededIds(1)) as staging,
    ):
        for app in (make("one"), make("two"), make("one")):
            with Harness(app, store=live):
                pass
        said = run("manifest", "export", str(path), store=live, cells=80)
        taken = run("manifest", "import", str(path), store=staging)
        again = run("manifest", "import", str(path), store=staging)
        kept = read_manifests(staging, control_stream("kept"))

        assert read_manifests(live, control_stream("kept")).counts.versions == 3
    assert (said.status, taken.status, again.status) == (Exit.OK, Exit.OK, Exit.OK)
    assert "Nothing of it is new." in again.err
    assert len(kept.documents) == 2
    assert [kept.hooks[key][0].kind for key in kept.versions] == ["before"] * 3


@pytest.mark.proves("MS-6")
def test_what_is_no_such_file_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "no.json"
    path.write_text("{}")
    with MemoryStore(registry(), FakeClock(), SeededIds()) as store:
        assert run("manifest", "import", str(path), store=store).status == Exit.BAD_INPUT
        assert run("manifest", "import", "not-there", store=store).status == Exit.BAD_INPUT
        assert run("manifest", "import", store=store).status == Exit.BAD_INPUT
        assert run("manifest", "export", str(path), store=store).status == Exit.NOT_FOUND
        assert store.head(control_stream("kept")).revision == 0


def make(said: str) -> App:
    """An app whose handler has one of two codes."""
    app = App("kept")

    def first(lctx: Any) -> None:
        lctx.set("said", 1)

    def one() -> int:
        return 1

    def two() -> int:
        return 2

    app.before(first)
    app.handler("GET /n", name="n")({"one": one, "two": two}[said])
    return app
