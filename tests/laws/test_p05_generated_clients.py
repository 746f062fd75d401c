"""P5: generated types and clients compile and type-check, whatever was drawn; none of it runs."""

import inspect
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from debugger.demo.shop import app as shop
from runtime.codegen import write
from runtime.codegen.operations import service
from runtime.codegen.selection import select
from runtime.manifests import HandlerManifest
from tests.generated import drawing
from tests.generated.drawing import TEXTS, many, sdk, services, use_site
from tests.generated.loading import imported
from tests.generated.odd_app import app as odd
from tests.runtime.codegen.manifests import manifest

Batch = tuple[HandlerManifest, ...]
ROOT = Path(__file__).parents[2]
OWN = {"raw", "close", "aclose"}


def methods(client: type) -> list[str]:
    public = [name for name in vars(client) if name not in OWN and not name.startswith("__")]
    return [name for name in public if inspect.isfunction(vars(client)[name])]


@pytest.mark.proves("P5", "CG-4", "CG-5", "CG-6")
@given(drawn=services)
def test_p05_a_client_imports_has_each_name_once_and_runs_no_drawn_text(
    drawn: tuple[HandlerManifest, ...],
) -> None:
    """Seen to fail with names given as they come, whether they are taken or not."""
    drawing.EXECUTED.clear()
    known = service(select(drawn), python=True)

    with imported(sdk(drawn).files) as client:
        for made in (client.Client, client.AsyncClient):
            assert sorted(methods(made)) == sorted(each.name for each in known.operations)
        for named in known.catalogue.classes:
            fields = msgspec.structs.fields(getattr(client.types, named.name))
            assert [f.encode_name for f in fields] == [f.name for f in named.object.fields]
            assert len({f.name for f in fields}) == len(fields)
        for operation in known.operations:
            given_ = inspect.signature(getattr(client.Client, operation.name)).parameters
            assert len(given_) == len(set(given_))
            assert {"self", "timeout", "headers"} <= set(given_)
    assert len({each.name for each in known.operations}) == len(drawn)
    typescript = sdk(drawn, "typescript").files["client.ts"]
    assert typescript.count("/**") == typescript.count("*/")
    assert drawing.EXECUTED == []


@pytest.mark.proves("P5", "CG-5")
def test_p05_names_that_clash_are_told_apart_and_texts_stay_texts() -> None:
    drawing.EXECUTED.clear()
    said = [manifest(f"a{sign}b", path=f"/{n}", doc=TEXTS[4]) for n, sign in enumerate("-_")]

    with imported(sdk([*said, manifest("import", path="/i", doc=TEXTS[3])]).files) as client:
        assert sorted(methods(client.Client)) == ["a_b", "import_", "post_a_b"]
        assert drawing.CANARY in client.Client.import_.__doc__
    assert drawing.EXECUTED == []


# --- with the checkers: once, over many ---


@pytest.fixture(scope="module")
def batch() -> Batch:
    """Draw the handlers for the checkers, the same each time."""
    return many()


@pytest.fixture(scope="module")
def drawn_client(tmp_path_factory: pytest.TempPathFactory, batch: Batch) -> Path:
    """Write one client of many drawn handlers, a module that calls all of it, and TypeScript."""
    folder, drawn = tmp_path_factory.mktemp("drawn"), batch
    write(folder / "drawn_client", sdk(drawn))
    (folder / "use.py").write_text(use_site(drawn, "drawn_client"), "utf-8")
    for name, manifests in (("drawn", drawn), ("shop", shop.manifests), ("odd", odd.manifests)):
        write(folder / "web" / name, sdk(manifests, "typescript"))
    return folder


def run(words: list[str], folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, check=False, text=True)
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-3_000:]


@pytest.mark.proves("P5", "CG-6")
def test_p05_drawn_clients_are_typed_strictly(drawn_client: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed here")
    cache = ROOT / ".mypy_cache"
    words = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={cache}", "use.py",
             "drawn_client"]  # fmt: skip

    assert run(words, drawn_client) == ""


@pytest.mark.proves("P5", "CG-6")
def test_p05_drawn_clients_pass_pyright(drawn_client: Path) -> None:
    pyright = shutil.which("pyright")
    if pyright is None:
        pytest.skip("there is no pyright here")
    config = msgspec.json.encode({
        "typeCheckingMode": "standard", "pythonVersion": "3.11",
        "venvPath": str(Path(sys.prefix).parent), "venv": Path(sys.prefix).name,
    })  # fmt: skip
    (drawn_client / "pyrightconfig.json").write_bytes(config)

    assert run([pyright, "use.py", "drawn_client"], drawn_client) == ""


@pytest.mark.proves("P5", "CG-10")
def test_p05_clients_compile_as_strict_typescript(drawn_client: Path) -> None:
    tsc = shutil.which("tsc")
    if tsc is None:
        pytest.skip("there is no tsc here")
    words = [tsc, "--strict", "--noEmit", "--target", "es2022", "--lib", "es2023,dom,dom.iterable"]

    files = [str(path) for path in sorted(drawn_client.glob("web/*/client.ts"))]
    assert len(files) == 3
    assert run([*words, *files], drawn_client) == ""


@pytest.mark.proves("P5")
def test_p05_what_is_drawn_for_the_checkers_is_odd_enough(batch: Batch) -> None:
    """The batch has clashes, texts that would run, types that contain themselves."""
    text: Any = sdk(batch).files

    assert len(batch) > 20
    assert drawing.CANARY in text["operations.py"]
    assert "class Dog" in text["types.py"]
    assert any(name.endswith("_") for name in service(select(batch), python=True).changed.values())
