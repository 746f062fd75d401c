"""Links on the command line: the store that its reader calls so, the moment that it means."""

from pathlib import Path

import pytest

from debugger.cli.exits import Exit
from debugger.session.linking import log_id
from debugger.timeline.links import Link
from tests.debugger.stores import shop, sqlite_store
from tests.faces.command_line import run


@pytest.mark.proves("TM-13", "CL-1")
def test_a_link_is_a_request_and_a_moment_of_the_store_that_its_reader_means(
    tmp_path: Path,
) -> None:
    url, config = f"sqlite:///{tmp_path / 'shop.db'}", tmp_path / "config.toml"
    with sqlite_store(tmp_path / "shop.db") as store:
        made, log = shop(store), log_id(store)
    config.write_text(f'[stores]\nshop = "{url}"\n')
    environ = {"TIMESCAPE_CONFIG": str(config)}
    link = str(Link("shop", made.order, 14, path="/total"))
    by_alias = run("state", link, "--at", link, "--path", "/total", "--json", environ=environ)
    by_id = str(Link(log, made.order, 14))
    said = run("state", by_id, "--at", by_id, "--path", "/total", "--json", "--store", url)

    assert by_alias.status == Exit.OK, by_alias.err
    assert by_alias.records == said.records
    assert said.records[0]["value"] == {"$decimal": "118.00"}
    ends = [
        (("state", by_id.replace(log, "0" * 32)), Exit.NOT_FOUND, "holds another one"),
        (("state", link, "--at", str(Link("shop", made.failing, 3))), Exit.BAD_INPUT, "is to a"),
        (("state", link, "--at", str(Link("shop", made.order, 99))), Exit.NOT_FOUND, "no moment"),
        (("state", "timescape://host:1/x"), Exit.BAD_INPUT, "is no link"),
    ]
    for words, status, told in ends:
        answer = run(*words, "--store", url)
        assert (answer.status, told in answer.err) == (status, True), answer.err
