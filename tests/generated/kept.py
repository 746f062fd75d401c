"""What is kept here."""

import importlib.metadata
from pathlib import Path

from debugger.demo.shop import app as shop
from runtime.app.gathering import of_app
from runtime.codegen import Rendered, render
from tests.generated.odd_app import app as odd

FOLDER = Path(__file__).parent


def rendered() -> dict[str, Rendered]:
    """Give each client, by the folder it is kept in."""
    tool = importlib.metadata.version("timescape")
    return {
        f"{app.name.replace('-', '_')}_client": render(
            "sdk", "python", declared=of_app(app), tool=tool
        )
        for app in (shop, odd)
    }
