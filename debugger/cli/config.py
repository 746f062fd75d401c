"""What a person has set for the debugger: keys, and what they call their stores (KB-3, TM-13).

One TOML file, `TIMESCAPE_CONFIG`, else `timescape/config.toml` in the folder of settings. What
is wrong in it is told and left out: a typing error locks nobody out.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from debugger.timeline.links import is_alias

SETTING = "TIMESCAPE_CONFIG"


class Config(msgspec.Struct, frozen=True):
    """What stands in the file."""

    preset: str = ""
    keys: Mapping[str, Sequence[str]] = {}
    stores: Mapping[str, str] = {}
    """Alias to address."""
    problems: tuple[str, ...] = ()
    file: str = ""
    """Where it was looked for."""

    def alias_of(self, url: str) -> str:
        """Return what the store *url* is called; ``: it has no alias."""
        return next((alias for alias, each in self.stores.items() if each == url), "")


def read_config(environ: Mapping[str, str]) -> Config:
    """Read the file; none is no mistake, but one that is named must be there."""
    path = _path(environ)
    if path is None or (SETTING not in environ and not path.is_file()):
        return Config(file="" if path is None else str(path))
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return Config(problems=(f"{path} cannot be read: {error}.",), file=str(path))
    return _config(data, str(path))


def _path(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get(SETTING):
        return Path(named)
    if folder := environ.get("XDG_CONFIG_HOME"):
        return Path(folder) / "timescape" / "config.toml"
    home = environ.get("HOME")
    return None if not home else Path(home) / ".config" / "timescape" / "config.toml"


def _config(data: Mapping[str, Any], file: str) -> Config:
    problems = [f"[{name}] means nothing." for name in data if name not in ("keys", "stores")]
    keys, stores = (_table(data, name, problems) for name in ("keys", "stores"))
    preset = keys.pop("preset", "")
    if not isinstance(preset, str):
        problems.append("preset is the name of one.")
        preset = ""
    return Config(preset, _keys(keys, problems), _stores(stores, problems), tuple(problems), file)


def _table(data: Mapping[str, Any], name: str, problems: list[str]) -> dict[str, Any]:
    found = data.get(name, {})
    if isinstance(found, dict):
        return dict(found)
    problems.append(f"{name} is a table: [{name}].")
    return {}


def _keys(table: Mapping[str, Any], problems: list[str]) -> dict[str, tuple[str, ...]]:
    keys: dict[str, tuple[str, ...]] = {}
    for name, value in table.items():
        listed = [value] if isinstance(value, str) else value
        if isinstance(listed, list) and all(isinstance(each, str) for each in listed):
            keys[name] = tuple(listed)
        else:
            problems.append(f"{name}: a key is text, or a list of it.")
    return keys


def _stores(table: Mapping[str, Any], problems: list[str]) -> dict[str, str]:
    stores: dict[str, str] = {}
    for alias, url in table.items():
        if is_alias(alias) and isinstance(url, str):
            stores[alias] = url
        else:
            problems.append(f"{alias}: a store is called by letters and digits, its address text.")
    return stores
