"""Know a recording of the demo shop when there is one."""

from pathlib import Path

from eventstore import Store, named_stream

APP = "timescape-demo-shop"
"""The name of the shop's app, by which its recordings are known."""
SHOP = "debugger.demo.shop:app"
"""Where its code is."""


def is_demo(store: Store) -> bool:
    """Say whether the shop was recorded in *store*."""
    return store.head(named_stream("control", APP)).revision > 0


def source_folder() -> Path:
    """Return the folder that the shop's recorded source places are relative to."""
    return Path(__file__).parent
