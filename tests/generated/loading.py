"""Imports a generated package from its texts, and forgets it again."""

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType, ModuleType
from typing import Any

NAME = "client_from_texts"


@contextmanager
def imported(files: Mapping[str, str]) -> Iterator[Any]:
    """Give the package that *files* make."""
    finder = _Texts(files)
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module(NAME)
    finally:
        sys.meta_path.remove(finder)
        for name in [each for each in sys.modules if each.partition(".")[0] == NAME]:
            del sys.modules[name]


class _Texts(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        first, _, inner = name.partition(".")
        if first != NAME or f"{inner or '__init__'}.py" not in self._files:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=not inner)

    def exec_module(self, module: ModuleType) -> None:
        inner = module.__name__.partition(".")[2]
        exec(_compiled(self._files[f"{inner or '__init__'}.py"]), module.__dict__)  # noqa: S102


@lru_cache(64)
def _compiled(text: str) -> CodeType:
    return compile(text, "<generated>", "exec")
