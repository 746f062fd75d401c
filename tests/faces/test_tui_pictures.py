"""A few screens as pictures: what no assertion about text sees, such as colours and edges.

The pictures stand in `pictures/`. After a wanted change, `TIMESCAPE_PAINT=1 pytest` of this
file paints them anew; look at them in a browser before they are kept.
"""

import os
import re
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from eventstore import Store
from tests.contracts.source import ROOT
from tests.debugger.stores import Shop, Ticks, shop
from tests.faces.rerun import CHANGED, Here, complaint_of
from tests.faces.rerun import order as served
from tests.faces.test_tui_requests import nothing
from tests.faces.tui import FAILING, ORDER, Person, drive

PICTURES = Path(__file__).parent / "pictures"
PAINTED_WITH = "8.2.8"
_VARYING = re.compile(
    r"(?<=terminal-)\d+|<text [^>]*>[^<]*looked[^<]*</text>|@font-face \{[^}]*\}\s*"
)
"""A number of the process in the names of classes, where a temporary folder is named, and
fonts from the net."""

pytestmark = pytest.mark.skipif(
    version("textual") != PAINTED_WITH,
    reason=f"the pictures were painted with Textual {PAINTED_WITH}: another one paints others",
)


async def requests(person: Person) -> None:
    await person.press("home")


async def filtered(person: Person) -> None:
    await person.press("/")
    await person.write("status:500")
    await person.press("enter")


async def order(person: Person) -> None:
    await person.open(ORDER)
    await person.press("M")


async def failure(person: Person) -> None:
    await person.open(FAILING)


async def keys(person: Person) -> None:
    await person.press("?")


async def compared(person: Person) -> None:
    await person.press("r")


async def traced(person: Person) -> None:
    await person.open(1)
    person.app.request.act("trace")
    await person.settled()
    await person.press("g")
    await person.write("20")
    await person.press("enter", "l")


async def waterfall(person: Person) -> None:
    await person.open(ORDER)
    await person.press("3")


async def complaint(person: Person) -> None:
    """Ask the price of the first line who wrote it, as the tutorial does."""
    await person.open(1)
    await person.press(*["tab"] * 3, *["down"] * 9, "W")


SCREENS: dict[str, tuple[Callable[[Person], Any], Callable[[Store, Ticks], Shop]]] = {
    "requests": (requests, shop),
    "filtered": (filtered, shop),
    "order": (order, shop),
    "failure": (failure, shop),
    "keys": (keys, shop),
    "empty": (requests, nothing),
}


RUNNING: dict[str, tuple[Callable[[Person], Any], dict[str, Any]]] = {
    "compare": (compared, {"fill": served, "again": lambda store: Here(store, CHANGED)}),
    "lines": (traced, {"fill": served, "again": Here}),
    "waterfall": (waterfall, {}),
    "complaint": (complaint, {"fill": complaint_of}),
}
SOURCES = ("tests/runtime/replay/shop.py", "debugger/demo/shop.py")


@pytest.mark.proves("TT-3", "UI-4", "UI-6", "LN-3")
@pytest.mark.parametrize("name", RUNNING)
def test_a_screen_of_a_run_looks_as_it_was_painted(name: str, tmp_path: Path) -> None:
    scenario, options = RUNNING[name]
    for place in SOURCES:
        source = tmp_path / place
        source.parent.mkdir(parents=True)
        shutil.copyfile(ROOT / place, source)
        os.utime(source, (0, 0))  # older than the request, whenever it was checked out
    roots = [tmp_path, tmp_path / "debugger/demo"]
    painted, file = picture(name, scenario, (120, 36), roots=roots, **options)

    assert painted == file.read_text("utf-8"), f"{file.name} looks different"


@pytest.mark.proves("TT-3", "UI-1", "UI-2", "UI-3", "ST-1")
@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["120x36", "80x24"])
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_looks_as_it_was_painted(name: str, size: tuple[int, int]) -> None:
    scenario, fill = SCREENS[name]
    painted, file = picture(name, scenario, size, fill=fill)

    assert painted == file.read_text("utf-8"), f"{file.name} looks different"


def picture(
    name: str, scenario: Callable[[Person], Any], size: tuple[int, int], **options: Any
) -> tuple[str, Path]:
    """Run *scenario* and paint its screen; return that and the file it is held against."""
    painted: list[str] = []

    async def paint(person: Person) -> None:
        await scenario(person)
        painted.append(_VARYING.sub("", person.app.export_screenshot(title="timescape")))

    drive(paint, size=size, **options)

    file = PICTURES / f"{name}-{size[0]}x{size[1]}.svg"
    if os.environ.get("TIMESCAPE_PAINT"):
        file.write_text(painted[0], "utf-8")
    return painted[0], file
