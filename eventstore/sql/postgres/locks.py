"""The server keeps writers apart by itself: what stands where a file's lock would."""

from typing import Self


class NoLock:
    """Stands where a file's lock would: the server keeps writers apart by itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def take(self) -> bool:
        """Say no: an event loop does not wait for a server."""
        return False

    def leave(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
