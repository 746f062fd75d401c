"""What a first user is told: help that fits the terminal, remedies that name what is missing."""

from pathlib import Path

import pytest

from debugger.cli.exits import Exit
from eventstore.memory import MemoryStore
from tests.debugger.stores import memory_store, shop, sqlite_store
from tests.faces.command_line import run


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    made = memory_store()
    shop(made)
    return made


@pytest.mark.proves("CL-2")
@pytest.mark.parametrize("width", [50, 80, 300])
def test_help_fills_the_terminal_and_leaves_examples_alone(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))

    said = run("fork", "--help")
    text = capsys.readouterr().out
    told = text.partition("\n\n")[2].partition("examples:")[0].splitlines()

    assert said.status == Exit.OK
    assert max(map(len, told)) <= min(width - 2, 98)
    assert sum(line != "" for line in told) > 1
    assert "\n  timescape fork 9f31c2 --app shop:app --input '/body/voucher=null'\n" in text


@pytest.mark.proves("CL-2")
@pytest.mark.parametrize(
    ("words", "missing"),
    [(("log",), "REQUEST."), (("traffic",), "HANDLER."), (("generate",), "WHAT, APP.")],
)
def test_only_what_is_required_is_asked_for(words: tuple[str, ...], missing: str) -> None:
    said = run(*words)

    assert said.status == Exit.BAD_INPUT
    assert said.err.startswith(f"timescape: The following arguments are required: {missing}\n")


@pytest.mark.proves("CL-2")
@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ("resolve post /items", Exit.NOT_FOUND, "takes POST /items"),
        ("resolve GET /items?v=1", Exit.BAD_INPUT, "--select S"),
        ("verify --from 5 --to 2", Exit.BAD_INPUT, "before position 5"),
        ("queue retry", Exit.BAD_INPUT, "`timescape queue dead` lists them."),
        ("queue pause", Exit.BAD_INPUT, "`timescape queue` lists them."),
        ("manifest export all.json", Exit.NOT_FOUND, "tells of no app"),
        ("routes --at noon", Exit.BAD_INPUT, "a position such as 31337"),
        ("versions policy --hot many", Exit.BAD_INPUT, "'many' is not a whole number from 0"),
        ("serve shop:app --port 0", Exit.BAD_INPUT, "not a port from 1 to 65535"),
        ("new json", Exit.BAD_INPUT, "such as json_app"),
    ],
)
def test_a_remedy_names_what_would_do(
    words: str, status: Exit, told: str, store: MemoryStore
) -> None:
    said = run(*words.split(), store=store)

    assert (said.status, said.out) == (status, "")
    assert told in said.err


@pytest.mark.proves("CL-2")
@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "none.db",
            "There is no file 'none.db'.\nWhere it is to be made, write sqlite:///none.db.\n",
        ),
        ("/data/none.db", "write sqlite:////data/none.db.\n"),
        ("mysql://shop", "Write sqlite:///file.db, sqlite:////folder/file.db or postgresql://"),
    ],
)
def test_a_path_in_the_place_of_an_address_is_answered_with_the_address(
    url: str, told: str
) -> None:
    said = run("requests", "--store", url)

    assert said.status == Exit.BAD_INPUT
    assert told in said.err


@pytest.mark.proves("CL-1", "CL-2")
@pytest.mark.parametrize("words", ["requests", "verify", "db check", "search atlas"])
def test_a_file_that_is_there_is_a_store_as_it_is_named(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite_store(tmp_path / "shop.db") as made:
        shop(made)
    monkeypatch.chdir(tmp_path)

    by_url = run(*words.split(), "--store", "sqlite:///shop.db")

    assert by_url.status == Exit.OK
    assert run(*words.split(), "--store", "shop.db") == by_url
    assert run(*words.split(), "--store", str(tmp_path / "shop.db")).status == Exit.OK
    assert run(*words.split(), environ={"TIMESCAPE_STORE": "shop.db"}) == by_url


@pytest.mark.proves("CL-2")
@pytest.mark.parametrize("words", ["requests", "demo --headless", "serve shop:app", "db upgrade"])
def test_no_command_makes_a_store_of_a_mistyped_name(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    said = run(*words.split(), "--store", "shpo.db")

    assert said.status == Exit.BAD_INPUT
    assert "There is no file 'shpo.db'" in said.err
    assert not list(tmp_path.iterdir())


@pytest.mark.proves("MG-1")
def test_a_module_that_is_not_there_is_told_without_the_way_to_it() -> None:
    said = run("manifest", "nowhere_at_all:app")

    assert said.status == Exit.APP_ERROR
    assert said.err.startswith("timescape: There is no module 'nowhere_at_all'.\n")


@pytest.mark.proves("MG-1")
def test_what_an_app_lacks_is_told_with_the_line_that_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lacking_shop.py").write_text("import nowhere_at_all\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    said = run("manifest", "lacking_shop:app")

    assert said.status == Exit.APP_ERROR
    assert 'lacking_shop.py", line 1' in said.err
    assert "needs 'nowhere_at_all', which is not installed" in said.err


@pytest.mark.proves("CL-2")
def test_a_refusal_of_the_store_names_requests_as_people_do(tmp_path: Path) -> None:
    with sqlite_store(tmp_path / "shop.db") as made:
        shop(made)

    said = run("archive", "0aa000", "--store", f"sqlite:///{tmp_path / 'shop.db'}")

    assert said.status == Exit.WRITE_REFUSED
    assert "0aa000 cannot leave the log without its fork req-" in said.err
