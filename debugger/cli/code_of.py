"""Which app's code runs a recording again, and where its source lies.

A store names no app (RP-1): a person does. Only of the demo's own recordings is it known.
"""

from collections.abc import Sequence
from pathlib import Path

from debugger.demo import SHOP, is_demo, source_folder
from debugger.session import Session


def app_of(session: Session, named: str | None) -> str | None:
    """Return the app whose code runs again; None: nobody has named one."""
    return named or (SHOP if is_demo(session.store) else None)


def roots_of(session: Session, named: Sequence[Path] | None) -> Sequence[Path]:
    """Return the folders that recorded names of files start at."""
    if named:
        return named
    return session.source_roots or [source_folder() if is_demo(session.store) else Path.cwd()]
