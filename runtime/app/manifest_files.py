"""Manifests as files: one for each version of a handler, and `app.json` that lists them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from runtime.errors import ManifestError
from runtime.manifests import HandlerManifest, from_json, to_json

APP_FILE = "app.json"
_encode = msgspec.json.Encoder(order="sorted").encode


class Listed(msgspec.Struct, frozen=True):
    """A version as `app.json` lists it."""

    handler: str
    version: str | None
    contract: str
    fingerprint: str
    file: str
    """Beside `app.json`."""


class AppManifest(msgspec.Struct, frozen=True):
    """An app as `app.json` has it."""

    app: str
    handlers: tuple[Listed, ...]
    manifest: int = 1


def file_of(manifest: HandlerManifest) -> str:
    """Name the file of a version: `get-cart.json`, `get-cart@2026-10-01.json`."""
    edition = "" if manifest.version is None else f"@{manifest.version}"
    return f"{manifest.handler}{edition}.json"


def write(folder: Path, app: str, manifests: Sequence[HandlerManifest]) -> list[str]:
    """Write all files of an app, each whole or not at all; name those that changed.

    Files of versions that are gone are removed, if `app.json` listed them.

    Raises:
        ManifestError: the folder cannot be written, or two versions would have one file.
    """
    files = {file_of(each): to_json(each) for each in manifests}
    listed = tuple(
        Listed(each.handler, each.version, each.contract, each.fingerprint, file_of(each))
        for each in manifests
    )
    files[APP_FILE] = _encode(AppManifest(app, listed)) + b"\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        gone = [name for name in _listed_before(folder) if name not in files]
        changed = [name for name, data in files.items() if _replace(folder / name, data)]
        for name in gone:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise ManifestError(
            problem=f"{folder} cannot be written: {error.strerror}.",
            remedy="Choose another folder.",
        ) from error
    return [*changed, *gone]


def _listed_before(folder: Path) -> list[str]:
    try:
        known = msgspec.json.decode((folder / APP_FILE).read_bytes(), type=AppManifest)
    except (OSError, msgspec.MsgspecError, ValueError):
        return []
    # Never follow a name out of the folder.
    return [each.file for each in known.handlers if Path(each.file).name == each.file]


def _replace(path: Path, data: bytes) -> bool:
    """Put *data* into a file at once; say whether it was another before."""
    if path.exists() and path.read_bytes() == data:
        return False
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(data)
    new.replace(path)
    return True


def read(path: Path) -> list[HandlerManifest]:
    """Read an `app.json` with the files beside it, or the file of one version.

    Raises:
        ManifestError: one cannot be read, or is not what it says; names the file.
    """
    plain = _plain(path)
    if not isinstance(plain, dict) or "handlers" not in plain:
        return [_one(path)]
    try:
        listed = msgspec.convert(plain, AppManifest)
    except msgspec.ValidationError as error:
        raise ManifestError(
            problem=f"{path} is no manifest of an app: {error}.",
            remedy="Give a file that `timescape manifest --out` wrote.",
        ) from error
    return [_one(path.parent / Path(each.file).name) for each in listed.handlers]


def name_of(path: Path) -> str | None:
    """Give the name of the app whose `app.json` this is; None: it is another file."""
    plain = _plain(path)
    name = plain.get("app") if isinstance(plain, dict) else None
    return name if isinstance(name, str) else None


def _plain(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ManifestError(
            problem=f"{path} cannot be read: {why}.",
            remedy="Give a file that `timescape manifest --out` wrote.",
        ) from error


def _one(path: Path) -> HandlerManifest:
    _plain(path)
    try:
        return from_json(path.read_bytes())
    except ManifestError as error:
        raise ManifestError(problem=f"{path}: {error.problem}", remedy=error.remedy) from error
