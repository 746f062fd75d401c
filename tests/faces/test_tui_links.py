"""Links, folded rows and remapped keys on the screen; what is wrong in the config is a banner."""

import re
from pathlib import Path

import pytest

from debugger.cli.config import read_config
from debugger.timeline.links import Link, read_link
from debugger.tui.compare_screen import CompareScreen
from debugger.tui.keymap import keymap
from debugger.tui.request_screen import RequestScreen
from debugger.tui.waterfall_screen import WaterfallScreen
from eventstore import Store, StreamId, uuid7
from runtime import facts
from tests.debugger.stores import Shop, Story, Ticks, record, shop
from tests.faces.test_tui_actions import focus_path
from tests.faces.test_tui_forks import said
from tests.faces.tui import FAILING, ORDER, Person, drive


@pytest.mark.proves("TM-13", "TT-2")
def test_a_link_is_copied_and_opened_and_nothing_is_run_or_written() -> None:
    async def scenario(person: Person) -> None:
        end = person.store.end()
        await person.open(ORDER)
        await said(person, "g", "14")
        await person.press("d")
        await focus_path(person, "/total")
        await said(person, "colon", "copy-link")
        text = person.app.clipboard
        order = person.made.order
        assert read_link(text) == Link("shop", order, 14, path="/total", base="start")
        await person.press("1")
        await person.open(FAILING)
        await said(person, "colon", f"open {text}")
        assert person.at(RequestScreen)
        screen = person.app.request
        assert (person.revision, screen.path, screen.base) == (14, "/total", "start")
        await said(person, "colon", f"{text}&screen=waterfall".replace("base=start&", ""))
        assert person.at(WaterfallScreen)
        await said(person, "colon", "copy-link")
        assert read_link(person.app.clipboard).screen == "waterfall"
        both = Link("shop", order, 20, b=(person.made.failing, 9), screen="compare", filter="x")
        await said(person, "colon", f"open {both}")
        assert person.at(CompareScreen), person.text
        await said(person, "colon", "copy-link")
        assert read_link(person.app.clipboard).b == both.b
        await said(person, "colon", "open timescape://elsewhere:5432/db")
        assert "is no link to a moment" in person.message
        other = Link("0" * 32, order, 1)
        await said(person, "colon", f"open {other}")

        assert "holds another one" in person.message
        assert person.store.end() == end

    drive(scenario, store_alias="shop")


def lines_of_an_order(store: Store, clock: Ticks | None = None) -> Shop:
    """Fill *store* with the shop, and a request that edits ten lines one by one."""
    made = shop(store, clock)
    story = Story(clock).received("POST /orders", "/orders").handler()
    story.set("lines", [{"net": 0}] * 10)
    for n in range(10):
        story.edit("lines", facts.Change("replace", (n, "net"), n + 1))
    story.sent()
    stream = StreamId(uuid7(1_790_999_999_000, b"0123456789"))
    record(store, story, stream=stream)
    return made


@pytest.mark.proves("TM-14", "TT-2")
def test_facts_alike_are_one_row_but_for_cursor_bookmark_and_hit() -> None:
    async def scenario(person: Person) -> None:
        await person.open(1)
        await said(person, "g", "7")
        pane = person.app.request.panes.timeline
        whole = pane.count
        await person.press("v")
        assert "10 x context.edited /lines/*/net" in person.text
        assert pane.count == whole - 9
        await person.press("j")
        assert person.revision == 17
        assert "9 x context.edited /lines/*/net" in person.text
        await person.press("j", "k")
        assert person.revision == 8
        await person.press("k")
        assert person.revision == 7
        await said(person, "g", "12")
        await person.press("*")
        await said(person, "b", "state.lines[6].net == 7 and old.lines[6].net == 0")
        await said(person, "g", "1")
        assert re.findall(r"(\d+) x context.edited", person.text) == ["4", "3"], person.text
        await person.press("v")

        assert pane.count == whole
        assert pane.cursor == person.revision == 1

    drive(scenario, fill=lines_of_an_order)


@pytest.mark.proves("KB-3", "KB-1")
def test_keys_are_remapped_and_what_is_wrong_is_a_banner(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[keys]\npreset = "vscode"\nunlock = "f2"\nedit = "f4"\nzoom = "s"\nzom = "z"\n'
    )
    config = read_config({"TIMESCAPE_CONFIG": str(file)})

    async def scenario(person: Person) -> None:
        assert "There is no action zom. Did you mean zoom?" in person.text
        assert "zoom: s is the key of next-event." in person.text
        await person.open(ORDER)
        await said(person, "colon", "restore")
        assert person.message.endswith("the store is locked: f2 unlocks it")
        await said(person, "g", "0")
        await person.press("f11")
        assert person.revision == 11
        await person.press("z")
        assert person.app.request.panes.zoomed
        await person.press("!")
        assert not person.app.desk.seconds_left
        await person.press("f2", "enter")
        assert person.app.desk.seconds_left
        await person.press("question_mark")
        await person.write("allow writing")

        assert "f2" in person.text
        await person.press("escape", "question_mark")
        await person.write("drafts")
        assert "drafts, after f4" in person.text

    drive(scenario, keys=keymap(config.preset, config.keys))


@pytest.mark.proves("KB-3", "TM-13")
def test_a_config_that_cannot_be_read_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "timescape" / "config.toml"
    file.parent.mkdir()
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert read_config(environ).problems == read_config({}).problems == ()
    file.write_text("[keys\n")
    assert "cannot be read" in read_config(environ).problems[0]
    assert "cannot be read" in read_config({"TIMESCAPE_CONFIG": "/nowhere"}).problems[0]
    file.write_text(
        '[stores]\nshop = "sqlite:///shop.db"\n"a/b" = "x"\n[keys]\nzoom = 3\npreset = 4\n'
        'raw = ["i", "f3"]\n[themes]\n'
    )
    config = read_config(environ)

    assert config.keys == {"raw": ("i", "f3")}
    assert (config.stores, config.alias_of("sqlite:///shop.db")) == (
        {"shop": "sqlite:///shop.db"}, "shop",
    )  # fmt: skip
    assert len(config.problems) == 4
