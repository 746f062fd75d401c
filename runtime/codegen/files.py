"""Puts generated files into a folder, each whole or not at all (CG-3, CG-15)."""

import difflib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from runtime.codegen.rendering import MARK, Rendered
from runtime.errors import GenerateError

MOST_LINES = 200
_HEAD = 2_000


class Written(msgspec.Struct, frozen=True):
    """What became of a folder."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]
    refused: tuple[str, ...]
    """Files that somebody else wrote; they stay as they are."""


def write(folder: Path, rendered: Rendered, *, force: bool = False) -> Written:
    """Write files that are new or differ; remove those of the same target that are gone.

    Args:
        folder: made if it is not there.
        rendered: what belongs into it.
        force: overwrite what somebody else wrote.

    Raises:
        GenerateError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        differing = [n for n, text in rendered.files.items() if _read(folder / n) != text]
        refused = [] if force else [n for n in differing if _is_foreign(folder / n)]
        changed = [name for name in differing if name not in refused]
        _move_in(folder, {name: rendered.files[name] for name in changed})
        removed = sorted(path.name for path in _stale(folder, rendered))
        for name in removed:
            (folder / name).unlink()
    except OSError as error:
        raise GenerateError(
            problem=f"{folder} cannot be written: {error.strerror}.",
            remedy="Choose another folder.",
        ) from error
    return Written(tuple(changed), tuple(removed), tuple(refused))


def difference(folder: Path, rendered: Rendered) -> list[str]:
    """Say how a folder differs from what was generated, as a unified diff; empty: it does not."""
    lines: list[str] = []
    for name, text in rendered.files.items():
        there = _read(folder / name) or ""
        lines += difflib.unified_diff(
            there.splitlines(), text.splitlines(), f"{name} (there)", f"{name} (new)", lineterm=""
        )
    for path in _stale(folder, rendered):
        lines.append(f"--- {path.name} is not generated any more")
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], f"… {len(lines) - MOST_LINES + 1} more lines"]
    return lines


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return ""


def _is_foreign(path: Path) -> bool:
    text = _read(path)
    return text is not None and MARK not in text[:_HEAD]


def _stale(folder: Path, rendered: Rendered) -> Iterator[Path]:
    """Give the files of this target that are not generated any more."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name in rendered.files or not path.is_file() or path.is_symlink():
            continue
        head = (_read(path) or "")[:_HEAD]
        if MARK in head and rendered.mark in head:
            yield path


def _move_in(folder: Path, files: dict[str, str]) -> None:
    """Write all files beside their places, then move them in."""
    if not files:
        return
    beside = folder / f".timescape-{os.getpid()}"
    beside.mkdir()
    try:
        for name, text in files.items():
            (beside / name).write_text(text, "utf-8")
        for name in files:
            (beside / name).replace(folder / name)
    finally:
        shutil.rmtree(beside)
