"""What can be registered, and what the log is told when an app starts."""

import asyncio
import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eventstore import EventStoreError
from eventstore.memory import MemoryStore
from runtime import App, LocalContext, Request, TimescapeError, hook
from runtime.app.declarations import Declared
from runtime.app.sources import Sources
from runtime.app.startup import control_stream
from runtime.errors import (
    AlreadyStartedError,
    DuplicateHandlerError,
    DuplicateModuleError,
    HandlerIdClashError,
    NotStartedError,
    PolicySyntaxError,
    RegistrationError,
    RouteConflictError,
    SignatureError,
    UnsupportedTypeError,
    VersionFormatError,
)
from runtime.testing import FakeClock, Harness, SeededIds
from tests.faces.asgi import Reply, ask, facts_of, memory_store, names_of
from tests.runtime import late_hints

START_US = 1_700_000_000_000_000


class Body(msgspec.Struct):
    n: int


class Opaque:
    pass


async def plain() -> None:
    """Do nothing."""


def declare(app: App, route: str, function: Callable[..., Any] = plain, **more: Any) -> Declared:
    app.handler(route, **more)(function)
    return app.handlers[-1]


def replies(app: App, *asked: tuple[Any, ...], store: Any = None) -> list[Reply]:
    """Start *app*, ask, stop."""

    async def scenario() -> list[Reply]:
        app.start(memory_store() if store is None else store)
        try:
            return [await ask(app, *words) for words in asked]
        finally:
            await app.stop()

    return asyncio.run(scenario())


# --- handlers ---


@pytest.mark.proves("HW-2", "RM-2", "MG-3")
def test_versions_of_one_route_share_their_handler() -> None:
    app = App("a")

    one = declare(app, "GET /a/{n:int}", version="2026-01-01", name="things")
    two = declare(app, "GET /a/{n:int}")

    assert (one.handler, two.handler) == ("things", "things")
    assert one.place.startswith("tests/runtime/test_app.py:")


@pytest.mark.proves("HW-2")
def test_a_handler_is_taken_back_and_an_unknown_one_is_told() -> None:
    app = App("a")
    declare(app, "GET /a", version="2026-01-01")
    declare(app, "GET /a")

    assert not app.unregister("GET /b")
    assert not app.unregister("GET /a", "2026-02-01")
    assert app.unregister("GET /a")
    assert not app.unregister("GET /a")
    assert [each.edition for each in app.handlers] == ["2026-01-01"]
    declare(app, "GET /a")  # its place is free again
    with Harness(app), pytest.raises(AlreadyStartedError):
        app.unregister("GET /a")


@pytest.mark.proves("HW-2", "RM-2", "MG-3")
@pytest.mark.parametrize(
    ("route", "more", "error"),
    [
        ("GET /a/{n:int}", {}, DuplicateHandlerError),
        ("GET /a/{m:int}", {"version": "2026-01-01"}, RouteConflictError),
        ("GET /b", {"name": "get-a-n"}, HandlerIdClashError),
        ("GET /a/{n:int}", {"version": "2026-01-01", "name": "other"}, HandlerIdClashError),
    ],
)
def test_what_clashes_is_refused_naming_both_places(
    route: str, more: dict[str, Any], error: type[TimescapeError]
) -> None:
    app = App("a")
    first = declare(app, "GET /a/{n:int}")

    with pytest.raises(error) as caught:
        declare(app, route, **more)

    assert first.place in caught.value.problem
    assert caught.value.problem.count("tests/runtime/test_app.py:") == 2
    assert app.handlers == (first,)


def asks_for_more(req: Request[Any], database: object) -> None:
    """Ask for what nobody has."""


def takes_a_body_itself(req: Body) -> None:
    """Take the body as the request."""


def takes_what_cannot_be_checked(req: Request[Opaque]) -> None:
    """Take an object."""


def gives_what_cannot_be_checked() -> Opaque:
    """Give an object."""
    return Opaque()


@pytest.mark.proves("HW-1", "GT-2", "RM-1", "TS-2", "MG-4", "HO-8")
@pytest.mark.parametrize(
    ("function", "more", "error"),
    [
        (asks_for_more, {}, SignatureError),
        (takes_a_body_itself, {}, SignatureError),
        (takes_what_cannot_be_checked, {}, UnsupportedTypeError),
        (gives_what_cannot_be_checked, {}, UnsupportedTypeError),
        (late_hints.only_for_checkers, {}, UnsupportedTypeError),
        (plain, {"version": "v1"}, VersionFormatError),
        (plain, {"timeout": 0}, PolicySyntaxError),
        (plain, {"timeout": 3_601}, PolicySyntaxError),
        (plain, {"timeout": None}, PolicySyntaxError),
        (plain, {"max_body": -1}, PolicySyntaxError),
        (plain, {"on_disconnect": "panic"}, PolicySyntaxError),
        (plain, {"name": "a b"}, RegistrationError),
        (plain, {"before": [asks_for_more]}, SignatureError),
        (plain, {"query": int}, UnsupportedTypeError),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy_and_nothing_is_registered(
    function: Callable[..., Any], more: dict[str, Any], error: type[TimescapeError]
) -> None:
    app = App("a")

    with pytest.raises(error) as caught:
        declare(app, "POST /", function, **more)

    assert caught.value.remedy
    assert app.handlers == ()


@pytest.mark.proves("GT-2", "HW-1")
def test_hints_may_be_text() -> None:
    app = App("a")
    late_hints.register(app)

    good, bad = replies(app, ("POST", "/late", {"n": 1}), ("POST", "/late", {"n": "x"}))

    assert (good.status, good.json) == (200, {"n": 2})
    assert bad.json["issues"][0]["path"] == "/n"


@pytest.mark.proves("HW-1", "HW-5")
def test_functions_methods_objects_and_partials_are_handlers() -> None:
    class Caller:
        async def __call__(self, req: Request[Body]) -> int:
            return req.body.n

        def method(self, req: Request[Body]) -> int:
            return req.body.n + 1

    async def scaled(by: int, req: Request[Body]) -> int:
        return req.body.n * by

    app = App("a")
    declare(app, "POST /object", Caller())
    declare(app, "POST /method", Caller().method)
    declare(app, "POST /partial", functools.partial(scaled, 10))

    paths = ("/object", "/method", "/partial")
    assert [r.json for r in replies(app, *(("POST", p, {"n": 5}) for p in paths))] == [5, 6, 50]


# --- hooks ---


@pytest.mark.proves("HO-3", "HO-4", "HO-8")
def test_hooks_run_by_level_and_place_with_their_own_limits() -> None:
    app, order = App("a"), list[str]()

    def noting(name: str, **more: Any) -> Any:
        async def note(lctx: LocalContext) -> None:
            order.append(name)

        return hook(note, **more) if more else note

    app.before(noting("global 1"))
    app.before(timeout=1.0, retries=2)(noting("global 2"))
    app.after(noting("after global"))
    declared = declare(
        app,
        "GET /",
        before=[noting("route 1", timeout=None, retries=1), noting("route 2")],
        after=[noting("after route")],
    )
    replies(app, ("GET", "/"))

    assert order == ["global 1", "global 2", "route 1", "route 2", "after route", "after global"]
    assert [(h.timeout_s, h.retries) for h in declared.before] == [(None, 1), (5.0, 0)]
    assert len({h.id for h in declared.before}) == 2


@pytest.mark.proves("HO-4", "HO-8")
@pytest.mark.parametrize("limits", [{"timeout": 0}, {"timeout": -1}, {"retries": -1}])
def test_a_hook_that_cannot_be_is_refused(limits: dict[str, Any]) -> None:
    app = App("a")

    with pytest.raises(PolicySyntaxError):
        app.before(**limits)(plain)
    with pytest.raises(PolicySyntaxError):
        hook(plain, **limits)
    with pytest.raises(SignatureError, match="result"):

        @app.before
        def wants_the_result(result: object) -> None: ...


@pytest.mark.proves("HO-4")
def test_after_hooks_may_see_the_result_and_catch_hooks_the_error() -> None:
    app, seen = App("a"), list[Any]()

    @app.after
    def after(result: object) -> None:
        seen.append(result)

    @app.catch
    def catch(error: BaseException) -> None:
        seen.append(type(error))

    async def good() -> int:
        return 1

    async def bad() -> int:
        raise KeyError

    declare(app, "GET /good", good)
    declare(app, "GET /bad", bad)
    replies(app, ("GET", "/good"), ("GET", "/bad"))

    assert seen == [1, KeyError]


# --- modules, config, values ---


@pytest.mark.proves("GC-2", "GC-3")
def test_modules_and_config_are_told_to_the_log_once() -> None:
    class Stock:
        async def left(self) -> int:
            return 3

    def make(limit: int) -> App:
        app = App("shop", config={"limit": limit})
        app.module("stock", Stock())
        with pytest.raises(DuplicateModuleError):
            app.module("stock", Stock())
        return app

    store = memory_store()
    for limit in (1, 1, 2):
        replies(make(limit), store=store)

    told = [event.type for event in store.read(control_stream("shop"))]
    assert told == ["module.registered", "config.loaded", "config.loaded"]


@pytest.mark.proves("VC-1")
def test_a_class_that_cannot_be_recorded_is_refused() -> None:
    with pytest.raises(EventStoreError) as caught:
        App("a").register(Opaque)

    assert caught.value.code == "unsupported-class"
    assert App("a").register(Body) is Body


# --- starting ---


def versions(store: Any) -> list[str]:
    return [e.key for e in store.read(control_stream("shop")) if e.type == "handler.deployed"]


async def first(req: Request[Body]) -> int:
    """Give it back."""
    return req.body.n


async def second(req: Request[Body]) -> int:
    """Give twice as much."""
    return req.body.n * 2


def started(store: MemoryStore, function: Callable[..., Any], at_s: int, **more: Any) -> App:
    app = App("shop")
    declare(app, "POST /", function, **more)
    app.start(store, clock=FakeClock(START_US + at_s * 1_000_000), ids=SeededIds(at_s))
    return app


@pytest.mark.proves("TS-1", "TS-3", "MG-8")
def test_only_new_code_is_deployed() -> None:
    store = memory_store()

    for at_s, function in enumerate((first, first, second, first)):
        started(store, function, at_s)

    assert versions(store) == [
        "tsv:1700000000-post-001",
        "tsv:1700000002-post-002",
        "tsv:1700000003-post-003",
    ]


PLAIN = """
def give(req):
    return req.body + 1
"""


def digest(folder: Path, source: str) -> str:
    """Give the fingerprint of `give` as *source* writes it."""
    path = folder / f"given_{len(list(folder.iterdir()))}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Sources().written(module.give).form


@pytest.mark.proves("MG-7")
@pytest.mark.parametrize(
    ("source", "same"),
    [
        (PLAIN, True),
        ("import functools\n\n\n" + PLAIN, True),
        ('def give(req):\n    """Say."""\n    # Why.\n    return (req.body\n        + 1)', True),
        ("import functools\n@functools.lru_cache\ndef give(req):\n    return req.body + 1", True),
        (PLAIN.replace("1", "2"), False),
        (PLAIN.replace("def", "async def"), False),
        (PLAIN.replace("req", "other"), False),
    ],
)
def test_only_what_runs_makes_new_code(tmp_path: Path, *, source: str, same: bool) -> None:
    assert (digest(tmp_path, source) == digest(tmp_path, PLAIN)) == same


@pytest.mark.proves("MG-7")
def test_the_route_and_limits_and_hooks_count_as_well() -> None:
    async def check(lctx: LocalContext) -> None:
        """Do nothing."""

    app = App("a")
    declared = [
        declare(app, "POST /", first),
        declare(app, "POST /b", first),
        declare(app, "POST /", first, version="2026-01-01", timeout=1.0),
        declare(app, "POST /", first, version="2026-01-02", before=[check]),
        declare(app, "POST /", first, version="2026-01-03"),
    ]

    digests = [version.fingerprint for version in declared]
    assert len(set(digests)) == 5
    assert digests[0] == declare(App("b"), "POST /", first).fingerprint
    (one, *_, other) = app.manifests
    assert one.source == other.source
    assert one.contract == other.contract


async def asks_for_text(req: Request[str]) -> str:
    return req.body


@pytest.mark.proves("PL-2")
def test_an_id_outlives_a_patch_that_breaks_nobody() -> None:
    async def scenario() -> None:
        store = memory_store()
        started(store, first, 0)
        app = started(store, second, 1)
        gone, here = versions(store)

        answered = await ask(app, "POST", f"/?v={gone}", {"n": 1})

        assert answered.header("timescape-version") == here
        assert answered.header("timescape-contract") == gone

    asyncio.run(scenario())


@pytest.mark.proves("TR-8", "PL-3")
def test_a_version_whose_code_has_gone_is_known_and_unavailable() -> None:
    async def scenario() -> None:
        store = memory_store()
        started(store, first, 0)
        app = started(store, asks_for_text, 1)
        gone, here = versions(store)
        refused = await ask(app, "POST", f"/?v={gone}", {"n": 1})
        answered = await ask(app, "POST", f"/?v={here}", "n")

        assert (refused.status, refused.code) == (503, "version-unavailable")
        assert refused.header("retry-after") == "5"
        assert answered.header("timescape-version") == here

    asyncio.run(scenario())


class Racing:
    """A log to which another process announces first, once."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._raced = False

    def append(self, *words: Any, **more: Any) -> Any:
        if not self._raced:
            self._raced = True
            started(self._store, first, 0)
        return self._store.append(*words, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.proves("TS-3")
def test_who_announces_second_reads_and_decides_again() -> None:
    store = memory_store()
    app = App("shop")
    declare(app, "POST /", first)
    declare(app, "POST /", second, version="2026-01-01")

    app.start(Racing(store), clock=FakeClock(START_US), ids=SeededIds(1))

    assert versions(store) == ["tsv:1700000000-post-001", "tsv:1700000000-post-002"]


@pytest.mark.proves("GC-6")
def test_start_once_use_after_start_stop_twice_start_again() -> None:
    async def scenario() -> None:
        app, store = App("a"), memory_store()
        declare(app, "GET /")
        with pytest.raises(NotStartedError):
            await ask(app, "GET", "/")
        app.start(store)
        with pytest.raises(AlreadyStartedError):
            app.start(store)
        with pytest.raises(AlreadyStartedError):
            declare(app, "GET /b")
        with pytest.raises(AlreadyStartedError):
            app.module("m", object())

        assert (await ask(app, "GET", "/")).status == 204
        assert await app.stop() is True
        assert await app.stop() is True
        app.start(store)
        reply = await ask(app, "GET", "/")
        assert names_of(store, reply)[-1] == "response.sent"
        await app.stop()

    asyncio.run(scenario())


@pytest.mark.proves("LC-3", "GC-3")
def test_the_first_fact_names_the_config_in_force() -> None:
    store = memory_store()
    app = App("shop", config={"a": 1})
    declare(app, "GET /")

    (reply,) = replies(app, ("GET", "/"), store=store)

    told = [event.key for event in store.read(control_stream("shop"))]
    assert facts_of(store, reply)[0].data.config in told


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 129])
def test_an_app_needs_a_name(name: str) -> None:
    with pytest.raises(RegistrationError, match="name"):
        App(name)
