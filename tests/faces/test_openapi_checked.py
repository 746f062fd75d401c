"""Programs of others hold a served shop to the OpenAPI document of each version (CT-5)."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from debugger.demo.shop import app
from runtime.errors import ToolMissingError
from runtime.testing.openapi_contracts import TOOLS, check_openapi, editions_of
from tests.faces.servers import Server

APP = "debugger.demo.shop:app"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if any(shutil.which(tool) is None for tool in TOOLS):
        pytest.skip(f"this machine lacks one of {', '.join(TOOLS)}")
    made = Server(f"sqlite:///{tmp_path / 'shop.db'}", app=APP)
    yield made
    made.stop()


def test_the_shop_has_versions_to_be_tested() -> None:
    assert len(editions_of(app)) > 1


@pytest.mark.proves("CT-5", "CG-11")
def test_a_served_version_is_what_its_document_says(
    server: Server,
) -> None:
    """Seen to fail with the documents of an app of other answers."""
    check_openapi(app, f"http://127.0.0.1:{server.port}", examples=2)


@pytest.mark.proves("CT-5")
def test_what_a_program_finds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool, ends in zip(TOOLS, (1, 0), strict=True):
        (tmp_path / tool).write_text(f"#!/bin/sh\necho $1 $2 $3; exit {ends}\n", "utf-8")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(
        AssertionError, match=r"document of 2026-03-01 says:\nrun openapi.json --url"
    ):
        check_openapi(app, "http://127.0.0.1:1", examples=1)


@pytest.mark.proves("CT-5")
def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(ToolMissingError, match="no schemathesis and no openapi-python-client"):
        check_openapi(app, "http://127.0.0.1:1")
