"""An independent tester holds a served shop to the OpenAPI document of each version (CT-5)."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from debugger.demo.shop import app
from tests.faces.command_line import run
from tests.faces.servers import Server

APP = "debugger.demo.shop:app"
EDITIONS = sorted({each.version for each in app.manifests if each.version})
# Not asked: that a whole number may be spelt 1.0, which no schema can say is refused (GT-6), and
# that a method of no name of HTTP is answered 405 and not 501.
LEFT_OUT = "positive_data_acceptance,unsupported_method"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if shutil.which("schemathesis") is None:
        pytest.skip("there is no schemathesis here")
    made = Server(f"sqlite:///{tmp_path_factory.mktemp('shop') / 'shop.db'}", app=APP)
    yield made
    made.stop()


def test_the_shop_has_versions_to_be_tested() -> None:
    assert len(EDITIONS) > 1


@pytest.mark.proves("CT-5", "CG-11")
@pytest.mark.parametrize("edition", EDITIONS)
def test_a_served_version_is_what_its_document_says(
    server: Server, tmp_path: Path, edition: str
) -> None:
    run("generate", "openapi", APP, "--out", str(tmp_path), "--at", edition)
    words = ["schemathesis", "run", "openapi.json", "--url", f"http://127.0.0.1:{server.port}",
             "-H", f"Timescape-Version: {edition}", "--phases", "examples,fuzzing",
             "--exclude-checks", LEFT_OUT, "--max-examples", "8", "--seed", "1", "--no-color",
             "--generation-database", "none"]  # fmt: skip

    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, check=False, text=True, timeout=120
    )

    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-500:]
    assert "generated" in done.stdout
