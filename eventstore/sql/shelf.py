"""Where the segments of a store lie, and the right to be the only one who changes them.

Source: AR-2.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import msgspec

from eventstore.errors import EventStoreError
from eventstore.sql import failures, files


class Shelf(msgspec.Struct, frozen=True):
    """A folder of segments. Every process that reads the store has the same one."""

    place: failures.Place
    """The store's, as it may be shown."""
    folder: Path | None
    """None: the store is in a database, and nobody named a folder."""
    alone: Callable[[], AbstractContextManager[None]]
    """Gives the right, or refuses with `store-busy` when somebody else has it."""

    def required(self) -> Path:
        """Return the folder.

        Raises:
            EventStoreError: `no-segments-folder`.
        """
        if self.folder is None:
            raise no_folder(self.place)
        return self.folder


def beside(path: Path) -> Shelf:
    """Return the shelf of a store that is a file: it lies beside it."""
    return Shelf(path, path.with_name(f"{path.name}.segments"), partial(files.archiving, path))


def no_folder(place: failures.Place) -> EventStoreError:
    """Say that a database has no file to put segments beside."""
    return EventStoreError(
        "no-segments-folder",
        f"There is no folder for what would be archived of {place}.",
        "Name one that all who read the store can reach: TIMESCAPE_SEGMENTS, or `segments` of"
        " `open_store`.",
        {"place": str(place)},
    )
