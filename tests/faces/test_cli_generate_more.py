"""`timescape generate` from a store and from a bundle, bundles, and transformers to be finished."""

import asyncio
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from debugger.cli.exits import Exit
from eventstore.memory import MemoryStore
from runtime.app.gathering import of_app, of_log
from runtime.codegen.bundle import bundle_of, decode, problems, read_bundle, to_text
from runtime.control import control_stream
from runtime.errors import TransformerError
from runtime.testing.version_contracts import check_versions
from tests.faces.asgi import memory_store
from tests.faces.command_line import Said, run
from tests.faces.parcels_app import NEW, OLD, app, parcels

APP = "tests.faces.parcels_app:app"


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    made, served = memory_store(), parcels()
    served.start(made)
    asyncio.run(served.stop())
    yield made
    made.close()


def generate(*words: str, store: MemoryStore | None = None) -> Said:
    return run("generate", *words, store=store)


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


@pytest.mark.proves("CG-1", "CG-2", "CG-14")
def test_an_app_its_log_and_its_bundle_give_the_same_bytes(
    tmp_path: Path, store: MemoryStore
) -> None:
    assert generate("bundle", APP, "--out", str(tmp_path / "kept")).status == Exit.OK
    kept = str(tmp_path / "kept" / "bundle.json")
    made: list[dict[str, Any]] = []
    for n, source in enumerate((APP, "parcels", kept)):
        for target in ("bundle", "sdk", "openapi"):
            said = generate(target, source, "--out", str(tmp_path / str(n)), store=store)
            assert said.status == Exit.OK, said.err
        made.append(files(tmp_path / str(n)))

    assert made[0] == made[1] == made[2]
    assert {"bundle.json", "openapi.json", "__init__.py"} <= made[0].keys()


@pytest.mark.proves("CG-1")
def test_of_a_store_versions_are_chosen_as_callers_get_them(
    tmp_path: Path, store: MemoryStore
) -> None:
    def chosen(at: str) -> set[str]:
        out = str(tmp_path / at.replace(":", "_"))
        assert generate("openapi", "parcels", "--out", out, "--at", at, store=store).status == 0
        paths = json.loads((Path(out) / "openapi.json").read_text())["paths"]
        operations = [each for path in paths.values() for each in path.values()]
        return {each.get("x-timescape-version") for each in operations}

    table = run("versions", "post-quotes", "--json", store=store).records
    newest = next(each["version"] for each in table if each["edition"] == NEW)

    assert chosen("stable") == {OLD}
    assert chosen(newest) == {NEW}
    assert chosen("latest") == {OLD, None}  # the newer one breaks callers and waits
    nothing = generate("sdk", "parcels", "--out", str(tmp_path), "--at", "beta", store=store)
    assert (nothing.status, "beta" in nothing.err) == (Exit.NOTHING_SELECTED, True)
    for words in (("sdk", "nobody"), ("sdk", "parcels", "--at", "?"), ("sdk", APP, "--at", "beta")):
        said = generate(*words, "--out", str(tmp_path / "no"), store=store)
        assert said.status in {Exit.NOT_FOUND, Exit.BAD_INPUT}
    assert not (tmp_path / "no").exists()


@pytest.mark.proves("CG-14")
def test_all_that_is_wrong_with_a_bundle_is_listed(tmp_path: Path) -> None:
    known = of_app(parcels())
    whole = bundle_of(known)
    assert bundle_of(read_bundle(to_text(whole).encode())) == whole
    assert problems(decode(to_text(whole).encode())) == []
    assert [each["version"] for each in whole.handlers] == [None, OLD, NEW]
    assert whole.order == {"get-ping": (None,), "post-quotes": (OLD, NEW)}

    first, *types = sorted(whole.types)
    broken = msgspec.structs.replace(
        whole,
        handlers=(*whole.handlers, whole.handlers[-1], {**whole.handlers[0], "path": "/pong"}),
        types={digest: whole.types[digest] for digest in types} | {"sha256:0": 1},
        modules=(),
        order={},
    )
    path = tmp_path / "bundle.json"
    path.write_text(to_text(broken))
    said = generate("bundle-check", str(path))

    assert said.status == Exit.BAD_INPUT
    for told in (
        "its digest is not", "type sha256:0 has another digest", "type sha256:0 belongs to nothing",
        f"type {first} is not there", "is not what its digests say", "stands in it twice",
        "needs the module rates", "the order of post-quotes",
    ):  # fmt: skip
        assert told in said.err, told
    path.write_text(to_text(whole))
    assert generate("bundle-check", str(path)).status == Exit.OK
    path.write_text("{}")
    assert generate("bundle-check", str(path)).status == Exit.BAD_INPUT
    assert generate("bundle-check", str(tmp_path / "nowhere")).status == Exit.BAD_INPUT


@pytest.mark.proves("CG-14")
def test_a_bundle_has_the_same_digest_wherever_it_was_read(store: MemoryStore) -> None:
    one = bundle_of(of_app(app))
    other = bundle_of(of_log(store, control_stream("parcels"), "parcels", now_us=1 << 60))

    assert one == other
    assert one.digest == msgspec.structs.replace(other, by="somebody").sealed()


def begin(folder: Path, *words: str) -> Said:
    return generate("transformer", APP, *words, "--out", str(folder))


@pytest.mark.proves("CG-13")
def test_a_transformer_is_begun_and_not_taken_until_it_is_finished(tmp_path: Path) -> None:
    said = begin(tmp_path, "post-quotes", OLD, NEW)
    again = begin(tmp_path, "post-quotes", OLD, NEW)
    (path,) = tmp_path.iterdir()
    text = path.read_text("utf-8")

    assert (said.status, again.status) == (Exit.OK, Exit.WRITE_REFUSED)
    assert path.name == "post_quotes_2026_03_01_to_2026_10_01.py"
    assert "for place in each(parts.body, 'lines', '*'):\n        place.pop('note', None)" in text
    assert "parts.body.pop('currency', None)" in text
    assert "raise NotImplementedError('body /value: a required field was added" in text
    assert "may have been renamed" in text
    with pytest.raises(TransformerError, match=r"not finished: request_up \(.*request_down"):
        registered(path)

    for left, written in (
        ("/value", "parts.body['value'] = parts.body['grams']"),
        ("/grams", "parts.body['grams'] = parts.body['value']"),
        ("/currency", "parts.body['currency'] = 'EUR'"),
    ):
        lines = text.splitlines()
        fitting = [
            n for n, line in enumerate(lines) if f"NotImplementedError('body {left}:" in line
        ]
        lines[fitting[0]] = f"    {written}"
        text = "\n".join(lines) + "\n"
    finished = tmp_path / "finished.py"
    finished.write_text(text, "utf-8")
    check_versions(registered(finished), "POST /quotes", examples=2)


def registered(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("transform", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = parcels()
    module.register(made)
    return made


@pytest.mark.proves("CG-13")
@pytest.mark.parametrize(
    "words",
    [
        ("post-quotes", NEW, OLD),
        ("post-quotes", OLD, OLD),
        ("post-quotes", OLD, "2027-01-01"),
        ("nobody", OLD, NEW),
        ("post-quotes", OLD),
        ("post-quotes", OLD, NEW, "--check"),
    ],
)
def test_what_are_no_neighbours_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert begin(tmp_path, *words).status == Exit.BAD_INPUT
    assert not list(tmp_path.iterdir())


@pytest.mark.proves("CG-13")
def test_where_nothing_changed_nothing_is_written(tmp_path: Path) -> None:
    made = of_app(parcels())
    editions = OLD, "2026-05-01", NEW
    same = [msgspec.structs.replace(made.manifests[0], version=each) for each in editions]
    path = tmp_path / "bundle.json"
    path.write_text(to_text(bundle_of(msgspec.structs.replace(made, manifests=tuple(same)))))
    out = tmp_path / "out"

    said = generate("transformer", str(path), "post-quotes", OLD, "2026-05-01", "--out", str(out))
    apart = generate("transformer", str(path), "post-quotes", OLD, NEW, "--out", str(out))

    assert (said.status, "Nothing has to be" in said.err) == (Exit.OK, True)
    assert apart.status == Exit.BAD_INPUT
    assert not out.exists()
