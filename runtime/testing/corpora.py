"""A corpus: recorded requests as a folder of files, to be kept beside the code (CT-3).

`timescape export --as corpus` writes it, a file a request; what was redacted stays so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eventstore.memory import MemoryStore
from runtime.app import App
from runtime.context import registry
from runtime.replay import Library
from runtime.testing.fakes import FakeClock, SeededIds
from runtime.testing.recordings import RecordedRequest

SUFFIX = ".jsonl"


def corpus_files(folder: Path) -> list[Path]:
    """Return the files of a corpus, by their names.

    Raises:
        ValueError: there are none.
    """
    found = sorted(folder.glob(f"*{SUFFIX}"))
    if not found:
        msg = f"{folder} holds no recorded requests: `timescape export --as corpus` writes them."
        raise ValueError(msg)
    return found


def read_recorded(path: Path) -> RecordedRequest:
    """Read one file of a corpus.

    Raises:
        ValueError: it is none.
    """
    try:
        return RecordedRequest.parse(path.read_text("utf-8"))
    except (ValueError, LookupError, TypeError) as error:
        msg = f"{path} is no recorded request: {type(error).__name__}: {error}."
        raise ValueError(msg) from error


@contextmanager
def library_of(app: App) -> Iterator[Library]:
    """Give the code of an app for requests whose store is elsewhere."""
    with MemoryStore(registry(), FakeClock(), SeededIds()) as nothing:
        yield Library(app, nothing)
