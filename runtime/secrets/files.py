"""Secrets out of a folder of files, as orchestrators mount them."""

import asyncio
from pathlib import Path

from runtime.errors import SecretsConfigError
from runtime.secrets.provider import Found

MAX_BYTES = 64 * 1024


class Files:
    """Reads `stock-token` from the file of that name, anew each time it is asked.

    A file is opened once and read whole, so one that is replaced (or a folder that is
    swapped through a link) gives the old secret or the new one, never a mixture. One
    newline at its end is not part of the secret.

    Args:
        folder: of the files.
        prefix: of their names; what has another cannot be read.

    Raises:
        SecretsConfigError: *prefix* leads out of the folder.
    """

    name = "file"

    def __init__(self, folder: str | Path, *, prefix: str = "") -> None:
        if "/" in prefix or "\0" in prefix:
            raise SecretsConfigError(
                problem=f"{prefix[:80]!a} is no prefix of file names.",
                remedy="Give another folder instead.",
            )
        self._folder = Path(folder)
        self._prefix = prefix

    async def get(self, name: str) -> Found | None:
        """Return the secret; files have no versions.

        Raises:
            OSError: the folder or the file cannot be read.
            ValueError: it is not UTF-8, or above 64 KiB.
        """
        return await asyncio.to_thread(self._read, self._folder / f"{self._prefix}{name}")

    def _read(self, path: Path) -> Found | None:
        try:
            with path.open("rb") as file:
                value = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            if self._folder.is_dir():
                return None
            raise
        if len(value) > MAX_BYTES:
            msg = f"it has more than {MAX_BYTES} bytes"
            raise ValueError(msg)
        return Found(value.decode().removesuffix("\n"))
