"""P2: a manifest states what the handler declares, and is a function of it."""

import importlib.util
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import App
from runtime.manifests import HandlerManifest, from_json, to_json

_numbers = itertools.count()
_BODY_TYPES = {
    "int": {"kind": "int"},
    "list[str]": {"kind": "array", "item": {"kind": "str"}},
    "dict[str, float]": {"kind": "map", "key": {"kind": "str"}, "value": {"kind": "float"}},
}
_USES = {
    "direct": "    await gctx.modules.{module}.{method}(1)\n",
    "alias": "    mods = gctx.modules\n    one = mods.{module}\n    await one.{method}(1)\n",
    "bound": "    call = gctx.modules.{module}.{method}\n    await call(1)\n",
    "getattr": "    await getattr(gctx.modules, '{module}').{method}(1)\n",
    "helper": "    await help_{module}_{method}(gctx)\n",
}


@dataclass(frozen=True)
class Wrote:
    """A handler of the grammar: what its manifest has to say, however it is written."""

    method: str
    static: str
    params: tuple[tuple[str, str], ...]
    edition: str | None
    body: str | None
    timeout: float
    before: int
    after: int
    uses: tuple[tuple[str, str, str], ...]
    doc: str
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return "/" + "/".join([self.static, *(f"{{{n}:{t}}}" for n, t in self.params)])

    def source(self, *, comment: str = "", name: str = "local") -> str:
        """Write it as a file; *comment* and *name* are what does not, or hardly, matter."""
        hooks = "".join(
            f"async def {kind}_{n}(lctx):\n    lctx.set('k', {n})\n\n\n"
            for kind, count in (("before", self.before), ("after", self.after))
            for n in range(count)
        )
        helpers = "".join(
            f"async def help_{m}_{f}(gctx):\n    return await gctx.modules.{m}.{f}(1)\n\n\n"
            for how, m, f in dict.fromkeys(self.uses)
            if how == "helper"
        )
        lists = [f"{kind}=[{', '.join(f'{kind}_{n}' for n in range(count))}]"
                 for kind, count in (("before", self.before), ("after", self.after))]  # fmt: skip
        body = "req" if self.body is None else f"req: Request[{self.body}]"
        uses = "".join(_USES[how].format(module=m, method=f) for how, m, f in self.uses)
        return (
            f"{comment}from runtime import App, Request\n\napp = App('grammar')\n\n\n"
            f"{hooks}{helpers}"
            f"{comment}@app.handler('{self.method} {self.path}', version={self.edition!r}, "
            f"timeout={self.timeout}, {', '.join(lists)})\n"
            f"async def handle({body}, gctx) -> int:\n"
            f'    """{self.doc}\n\n    More.\n    """\n    {comment.strip()}\n{uses}'
            f"    {name} = 1\n    return {name}\n"
        )


_words = st.sampled_from(["orders", "carts", "a-b", "x"])
_names = st.sampled_from(["stock", "pricing", "mail"])
wrote = st.builds(
    Wrote,
    method=st.sampled_from(["GET", "POST", "PUT"]),
    static=_words,
    params=st.lists(
        st.tuples(st.sampled_from(["one", "two"]), st.sampled_from(["int", "uuid", "date"])),
        max_size=2,
        unique_by=lambda pair: pair[0],
    ).map(tuple),
    edition=st.none() | st.dates().map(str),
    body=st.none() | st.sampled_from(sorted(_BODY_TYPES)),
    timeout=st.sampled_from([0.5, 1.0, 30.0]),
    before=st.integers(0, 2),
    after=st.integers(0, 2),
    uses=st.lists(
        st.tuples(st.sampled_from(sorted(_USES)), _names, st.sampled_from(["read", "write"])),
        max_size=3,
    ).map(tuple),
    doc=st.sampled_from(["Say it.", "Two\n    lines."]),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("handlers")


def loaded(folder: Path, source: str) -> App:
    """Import *source* as a module of its own, always of one name."""
    path = folder / f"made_{next(_numbers)}.py"
    path.write_text(source, "utf-8")
    spec = importlib.util.spec_from_file_location("grammar_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app: App = module.app
    return app


def manifest(folder: Path, source: str) -> HandlerManifest:
    (only,) = loaded(folder, source).manifests
    return only


@pytest.mark.proves("P2", "MG-1", "MG-2", "MG-6")
@given(wrote)
def test_p02_a_manifest_says_what_was_written_and_nothing_else(folder: Path, wrote: Wrote) -> None:
    """Seen to fail with names that go on standing for what they were given before."""
    plain = manifest(folder, wrote.source()).plain()
    takes = "nothing" if wrote.body is None and wrote.method == "GET" else "json"

    event(f"uses: {bool(wrote.uses)}")
    assert plain.pop("source")["file"] == "grammar_app.py"
    assert {hook.pop("place").split(":")[0] for hook in plain.get("hooks", [])} <= {
        "grammar_app.py"
    }
    assert (len(plain.pop("contract")), len(plain.pop("fingerprint"))) == (71, 71)
    needs = sorted({f"{m}.{f}" for _, m, f in wrote.uses})
    assert without_empty(plain) == without_empty(
        {
            "manifest": 1,
            "handler": "-".join([wrote.method.lower(), wrote.static, *dict(wrote.params)]),
            "method": wrote.method,
            "path": wrote.path,
            "version": wrote.edition,
            "takes": takes,
            "media": "application/json",
            "policies": {
                "timeout_s": wrote.timeout,
                "max_body": 1_048_576,
                "on_disconnect": "finish",
            },
            "params": tuple(wrote.params),
            "body": None if wrote.body is None else {"gtype": 1, "root": _BODY_TYPES[wrote.body]},
            "answers": ((200, {"gtype": 1, "root": {"kind": "int"}}),),
            "hooks": tuple(hooks_of(wrote)),
            "needs": {"modules": tuple(needs)},
            "doc": " ".join(wrote.doc.split()),
        }
    )


def hooks_of(wrote: Wrote) -> Iterator[dict[str, Any]]:
    """Give the hooks in the order in which they run."""
    for kind, numbers in (("before", range(wrote.before)), ("after", range(wrote.after)[::-1])):
        for n in numbers:
            name = f"grammar_app.{kind}_{n}"
            yield {"kind": kind, "level": "route", "id": name, "timeout_s": 5.0}


def without_empty(plain: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in plain.items() if v not in (None, (), {}, {"modules": ()}, "")}


@pytest.mark.proves("P2", "MG-7", "MG-9")
@given(wrote)
def test_p02_format_keeps_all_a_rename_the_contract_a_type_neither(
    folder: Path, wrote: Wrote
) -> None:
    first = manifest(folder, wrote.source())
    again = manifest(folder, wrote.source(comment="# something\n\n"))
    renamed = manifest(folder, wrote.source(name="other"))
    other = "int" if wrote.body != "int" else "list[str]"
    typed = manifest(folder, Wrote(**{**vars(wrote), "body": other}).source())

    assert from_json(to_json(first)) == first
    assert (again.contract, again.fingerprint) == (first.contract, first.fingerprint)
    assert renamed.contract == first.contract
    assert renamed.fingerprint != first.fingerprint
    assert typed.contract != first.contract
    assert typed.fingerprint != first.fingerprint


PLAIN = Wrote(
    "POST", "orders", (("one", "int"),), "2026-10-01", "int", 2.0, 1, 1,
    (("helper", "stock", "read"),), "Place an order.",
)  # fmt: skip


@pytest.mark.proves("P2", "MG-7", "MG-9")
def test_p02_bytes_are_equal_across_processes_hash_seeds_and_folders(tmp_path: Path) -> None:
    said = []
    for seed, place in (("1", "a"), ("2", "some/where/else")):
        home = tmp_path / place
        home.mkdir(parents=True)
        (home / "shop.py").write_text(PLAIN.source(), "utf-8")
        words = ["-m", "debugger", "manifest", "shop:app", "--out", "out"]
        # As installed: our packages are found wherever the command runs.
        path = str(Path(__file__).parents[2])
        environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
        subprocess.run(
            [sys.executable, *words], cwd=home, env=environ, check=True, capture_output=True
        )
        said.append({f.name: f.read_bytes() for f in sorted((home / "out").iterdir())})

    assert said[0] == said[1]
    assert sorted(said[0]) == ["app.json", "post-orders-one@2026-10-01.json"]
    (one,) = [data for name, data in said[0].items() if name != "app.json"]
    assert b'"doc":"Place an order."' in one
    assert b'"modules":["stock.read"]' in one
