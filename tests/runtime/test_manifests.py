"""What manifests hold, and what is refused because of what they would hold."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import App, Backoff, GlobalContext, Request, Sensitive, hook
from runtime.app.manifest_files import read, write
from runtime.app.startup import control_stream
from runtime.breaking import compare as compare_types
from runtime.errors import (
    CapabilityError,
    ManifestError,
    PolicySyntaxError,
    RegistrationError,
    RegistrationWarning,
    SignatureError,
    UnknownModuleError,
    UnsupportedTypeError,
    VersionFormatError,
)
from runtime.gtype import GType, gtype
from runtime.gtype.passes import Passes
from runtime.gtype.plan import find
from runtime.manifests import HandlerManifest, from_json, to_json
from runtime.manifests.comparing import Verdict, compare, worst
from tests.faces.asgi import ask, facts_of, memory_store
from tests.runtime import handlers_to_find
from tests.runtime.handlers_to_find import note
from tests.runtime.schemas import mutated, schemas


class Order(msgspec.Struct):
    count: int
    card: Annotated[str, Sensitive] = ""


class Stock:
    async def left(self) -> int:
        return 3

    async def drop(self) -> int:
        return 0


async def uses_left(req: Request[Order], gctx: GlobalContext) -> int:
    """Count what is left.

    Only this handler does.
    """
    left: int = await gctx.modules.stock.left()
    return left


async def hidden(req: Request[Order], gctx: GlobalContext) -> int:
    named: int = await getattr(gctx.modules.stock, "dr" + "op")()
    return named


def make(handler: Callable[..., Any] = uses_left, name: str = "shop", **more: Any) -> App:
    app = App(name)
    app.module("stock", Stock())
    app.handler("POST /orders/{n:int}", **more)(handler)
    return app


def only(app: App) -> HandlerManifest:
    (manifest,) = app.manifests
    return manifest


# --- MG-2, MG-5 ---


@pytest.mark.proves("MG-2")
def test_a_manifest_tells_what_was_declared() -> None:
    manifest = only(make(version="2026-10-01", timeout=2))

    assert manifest.plain() | {"body": None, "answers": None} == {
        "manifest": 1,
        "handler": "post-orders-n",
        "method": "POST",
        "path": "/orders/{n:int}",
        "version": "2026-10-01",
        "takes": "json",
        "media": "application/json",
        "policies": {"timeout_s": 2.0, "max_body": 1_048_576, "on_disconnect": "finish"},
        "params": (("n", "int"),),
        "body": None,
        "answers": None,
        "needs": {"modules": ("stock.left",)},
        "sensitive": ("body /card",),
        "doc": "Count what is left.",
        "source": {
            "file": "tests/runtime/test_manifests.py",
            "line": uses_left.__code__.co_firstlineno,
            "fingerprint": manifest.source.fingerprint,
            "by": "syntax",
        },
        "contract": manifest.contract,
        "fingerprint": manifest.fingerprint,
    }
    assert manifest.body is not None
    assert GType(manifest.body.root, manifest.body.objects) == gtype(Order)


@pytest.mark.proves("P37", "MG-5")
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["before", "after", "catch"]),
            st.booleans(),
            st.integers(0, 2),
        ),
        max_size=6,
    )
)
def test_p37_hooks_are_listed_per_version_as_they_run(
    drawn: list[tuple[str, bool, int]],
) -> None:
    """Global ones first, then the route's; after and catch in exact reverse; each its own.

    Seen to fail with after hooks listed as they were registered.
    """
    app = App("a")
    lists: dict[str, list[Any]] = {"before": [], "after": [], "catch": []}
    for kind, everywhere, retries in drawn:
        if everywhere:
            getattr(app, kind)(retries=retries)(note)
        else:
            lists[kind].append((retries, hook(note, retries=retries)))
    before, after, catch = ([h for _, h in lists[k]] for k in ("before", "after", "catch"))
    app.handler("GET /", before=before, after=after, catch=catch)(note)
    app.handler("GET /", version="2026-01-01")(note)

    listed = [[(h.kind, h.level, h.retries) for h in m.hooks] for m in app.manifests]

    everywhere_of = {k: [("global", r) for kk, e, r in drawn if kk == k and e] for k in lists}
    expected = []
    for own in ({k: [("route", r) for r, _ in hooks] for k, hooks in lists.items()}, {}):
        both = {k: everywhere_of[k] + own.get(k, []) for k in lists}
        order = [("before", x) for x in both["before"]]
        order += [(k, x) for k in ("after", "catch") for x in both[k][::-1]]
        expected.append([(kind, level, retries) for kind, (level, retries) in order])
    assert listed == expected
    assert all(
        h.place.startswith("tests/runtime/handlers_to_find.py:")
        for m in app.manifests
        for h in m.hooks
    )


@pytest.mark.proves("P37", "MG-5")
def test_a_hook_given_twice_is_named_twice() -> None:
    app = App("a")
    app.before(note)
    app.handler("GET /", before=[note], after=[note])(note)

    assert [hook.id.rpartition(".")[2] for hook in only(app).hooks] == ["note", "note#2", "note#3"]


# --- MG-6 ---


@pytest.mark.proves("MG-6")
def test_what_is_declared_and_more_is_refused_where_it_can_be_seen() -> None:
    assert only(make(modules=["stock.left"])).needs.declared
    assert only(make(modules=["stock"])).needs.modules == ("stock.*", "stock.left")
    with pytest.raises(CapabilityError, match=r"uses stock\.left"):
        make(modules=["stock.drop"])
    with pytest.raises(RegistrationError, match="names no module"):
        make(modules=["stock.left.now"])
    with pytest.warns(RegistrationWarning, match=r"stock\.drop, which nothing uses"):
        make(modules=["stock.left", "stock.drop"])


@pytest.mark.proves("MG-6")
def test_what_cannot_be_seen_is_told_as_dynamic() -> None:
    (place,) = only(make(hidden)).needs.dynamic

    assert place == f"tests/runtime/test_manifests.py:{hidden.__code__.co_firstlineno + 1}"
    assert only(make(hidden)).needs.modules == ()


@pytest.mark.proves("MG-6")
def test_what_could_not_be_seen_is_denied_when_it_runs() -> None:
    async def scenario() -> None:
        store, app = memory_store(), make(hidden, modules=["stock.left"])
        app.start(store)
        reply = await ask(app, "POST", "/orders/1", {"count": 1})
        await app.stop()

        assert (reply.status, reply.code) == (500, "capability-denied")
        denied = [e for e in facts_of(store, reply) if e.type == "capability.denied"]
        assert [(e.key, e.data.operation) for e in denied] == [("stock.drop", "drop")]
        assert "effect.requested" not in [e.type for e in facts_of(store, reply)]

    asyncio.run(scenario())


@pytest.mark.proves("MG-6")
def test_a_module_that_is_not_there_cannot_be_declared() -> None:
    store = memory_store()
    with pytest.warns(RegistrationWarning):
        app = make(modules=["stock.left", "stock.right", "mail"])

    with pytest.raises(UnknownModuleError, match=r"mail.*stock\.right"):
        app.start(store)
    assert list(store.read(control_stream("shop"))) == []


# --- MG-7, MG-8 ---


def helps(n: int) -> int:
    return n + 1


def helps_too(n: int) -> int:
    return n + 2


def fingerprint_with(helper: Callable[[int], int]) -> str:
    async def handle(req: Request[Order]) -> int:
        return helper(req.body.count)

    return only(make(handle)).source.fingerprint


@pytest.mark.proves("MG-7")
def test_functions_of_the_same_file_that_are_reached_count() -> None:
    assert fingerprint_with(helps) == fingerprint_with(helps)
    assert fingerprint_with(helps) != fingerprint_with(helps_too)


@pytest.mark.proves("MG-7")
def test_what_has_no_source_is_marked() -> None:
    space: dict[str, Any] = {}
    exec("async def handle(lctx): return 1", space)  # noqa: S102 - code without a file
    exec("async def other(lctx): return 2", space)  # noqa: S102

    one, other = (only(make(space[name])).source for name in ("handle", "other"))

    assert (one.by, other.by) == ("bytecode", "bytecode")
    assert one.fingerprint != other.fingerprint


@pytest.mark.proves("MG-8")
def test_what_is_deployed_is_told_once_with_its_digests() -> None:
    store = memory_store()
    for handler in (uses_left, uses_left, hidden):
        app = make(handler)
        app.start(store)
        asyncio.run(app.stop())
    told = [e.data for e in store.read(control_stream("shop")) if e.type == "handler.deployed"]
    manifests = [only(make(handler)) for handler in (uses_left, hidden)]

    assert [(d.fingerprint, d.contract, d.manifest) for d in told] == [
        (m.fingerprint, m.contract, m.digest) for m in manifests
    ]


@pytest.mark.proves("MG-8")
def test_all_that_is_wrong_with_a_handler_is_told_at_once() -> None:
    app = App("a")

    async def wrong(req: Request[complex], database: Any) -> None: ...

    with pytest.raises(RegistrationError) as caught:
        app.handler("POST /", version="v1", timeout=0, max_body=-1, before=[wrong])(wrong)

    assert [type(error) for error in caught.value.errors] == [
        VersionFormatError,
        PolicySyntaxError,
        PolicySyntaxError,
        SignatureError,
        UnsupportedTypeError,
        SignatureError,
    ]
    assert caught.value.problem.count("\n- ") == 6
    assert app.handlers == ()


# --- MG-9 ---


@pytest.mark.proves("MG-9")
def test_files_are_written_whole_only_where_they_changed_and_load_back(tmp_path: Path) -> None:
    app = make()
    app.handler("GET /", version="2026-01-01")(note)

    first = write(tmp_path, app.name, app.manifests)
    again = write(tmp_path, app.name, app.manifests)
    fewer = write(tmp_path, app.name, app.manifests[:1])

    assert sorted(first) == ["app.json", "get@2026-01-01.json", "post-orders-n.json"]
    assert again == []
    assert sorted(fewer) == ["app.json", "get@2026-01-01.json"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["app.json", "post-orders-n.json"]
    assert read(tmp_path / "app.json") == list(app.manifests[:1])
    assert read(tmp_path / "post-orders-n.json") == list(app.manifests[:1])


@pytest.mark.proves("MG-9", "MG-5")
def test_limits_given_as_whole_numbers_load_back() -> None:
    """Seen to fail, as altered by hand, with 3 written and 3.0 read."""
    app = App("shop")
    limited = hook(note, timeout=3, retries=1, backoff=Backoff(1, 2, 4))
    app.handler("GET /", timeout=2, body_timeout=4, before=[limited])(note)

    manifest = only(app)

    assert from_json(to_json(manifest)) == manifest
    assert (manifest.hooks[0].timeout_s, manifest.hooks[0].backoff) == (3.0, (1.0, 2.0, 4.0))


@pytest.mark.proves("MG-9")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:-20],
        lambda raw: raw.replace(b'"handler":"post-orders-n"', b'"handler":"post-orders"'),
        lambda raw: raw.replace(b'"manifest":1', b'"manifest":2'),
        lambda raw: b"[]",
    ],
    ids=["short", "altered", "newer", "nothing"],
)
def test_what_is_no_manifest_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    raw = to_json(only(make()))

    assert from_json(raw) == only(make())
    with pytest.raises(ManifestError) as caught:
        from_json(spoil(raw))
    assert caught.value.remedy


# --- comparing ---


@pytest.mark.proves("MG-11")
@given(st.data(), schemas(2), schemas(2))
def test_what_fits_is_accepted(data: st.DataObject, one: Any, two: Any) -> None:
    """If nothing breaks between two types, every value of the first is one of the second."""
    a = gtype(one.hint)
    b = data.draw(st.sampled_from([a, gtype(two.hint)]))
    value = data.draw(one.values)
    if data.draw(st.booleans()):
        value, _ = data.draw(mutated(value))
    value = msgspec.json.decode(msgspec.json.encode(value))

    if not compare_types(a, b, "request").breaking and accepts(a, value):
        assert accepts(b, value)
    if not compare_types(b, a, "response").breaking and accepts(a, value):
        assert accepts(b, value)
    assert compare_types(a, a).changes == ()


def accepts(made: GType, value: Any) -> bool:
    return not find(Passes(made.objects).node(made.root), value).issues


class More(msgspec.Struct):
    count: int
    note: str = ""


class Needs(msgspec.Struct):
    count: int
    note: str


async def takes_more(req: Request[More], gctx: GlobalContext) -> int:
    left: int = await gctx.modules.stock.left()
    return left


async def takes_needs(req: Request[Needs]) -> int:
    return 1


@pytest.mark.proves("MG-11")
def test_a_comparison_says_what_breaks_and_what_does_not() -> None:
    old = make().manifests

    assert compare(old, make().manifests) == []
    assert worst(compare(old, make(takes_more).manifests)) is Verdict.CHANGED
    (breaking,) = compare(old, make(takes_needs).manifests)
    assert (breaking.verdict, breaking.reasons) == (
        Verdict.BREAKING,
        ("body /note: a required field was added (nothing → str)",),
    )
    assert [c.verdict for c in compare(old, [])] == [Verdict.BREAKING]
    assert [c.verdict for c in compare([], old)] == [Verdict.CHANGED]


# --- what would not happen again ---


def expected() -> dict[int, str]:
    """Read what has to be found off the ends of the lines."""
    source = Path(handlers_to_find.__file__).read_text("utf-8").splitlines()
    words = {n: re.search(r"  # ([a-z]+)$", line) for n, line in enumerate(source, 1)}
    return {n: found[1] for n, found in words.items() if found}


@pytest.mark.proves("MG-6")
def test_what_would_not_happen_again_is_found_at_its_line_with_a_remedy() -> None:
    app = App("a")
    with pytest.warns(RegistrationWarning) as warned:
        app.handler("GET /")(handlers_to_find.everything)
    app.handler("GET /nothing")(handlers_to_find.nothing)
    told = app.findings()

    told = {name: [each for each in lines if "type" not in each] for name, lines in told.items()}
    found = dict(line.split(".py:")[1].split(": ", 1) for line in told["GET /"])
    lines = expected()
    assert sorted(map(int, found)) == sorted(lines)
    assert [n for n, word in lines.items() if word not in found[str(n)]] == []
    assert all(re.search(r"(lctx|gctx|sorted)", line) for line in told["GET /"])
    assert len(warned) == len(lines)
    assert told["GET /nothing"] == []


@pytest.mark.proves("MG-1", "GT-19")
def test_what_is_recorded_without_a_declared_type_is_found() -> None:
    """What may enter the log: bodies without a declared type as they are, and somebody says so."""
    app = App("a")

    async def untyped(req: Request[Any]) -> Any: ...

    async def typed(req: Request[Order]) -> Order:
        return req.body

    async def nothing() -> None: ...

    async def raw(req: Request[bytes]) -> bytes:
        return b""

    app.handler("POST /untyped")(untyped)
    app.handler("GET /untyped")(untyped)
    app.handler("POST /typed")(typed)
    app.handler("GET /nothing")(nothing)
    app.handler("POST /raw")(raw)
    quiet = App("b", record_untyped=False)
    quiet.handler("POST /untyped")(untyped)

    told = app.findings()

    assert {name: len(lines) for name, lines in told.items()} == {
        "POST /untyped": 2, "GET /untyped": 1, "POST /typed": 0, "GET /nothing": 0, "POST /raw": 0,
    }  # fmt: skip
    body, answer = told["POST /untyped"]
    assert re.match(r".*test_manifests.py:\d+: The body has no declared type: ", body)
    assert "Request[Order]" in body
    assert "-> Receipt" in answer
    assert quiet.findings() == {"POST /untyped": []}
