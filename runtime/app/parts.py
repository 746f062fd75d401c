"""What an app is made of, for who runs it otherwise than by serving it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from runtime.app.deciding import DeployPolicy
from runtime.app.declarations import Declared
from runtime.app.transformers import Transformer
from runtime.lifecycle.handlers import Hook
from runtime.lifecycle.problems import URN
from runtime.modules import ModuleRegistry
from runtime.queue import Topic
from runtime.secrets import Provider


class Instead(msgspec.Struct, frozen=True):
    """What an app runs with in place of its own, in tests."""

    modules: ModuleRegistry
    config: Mapping[str, Any]
    secrets: tuple[Provider, ...] | None
    replaced: frozenset[str] = frozenset()
    """Modules whose own starts and stops are left out."""


class Parts(msgspec.Struct, frozen=True):
    """An app as it was registered."""

    name: str
    declared: Sequence[Declared]
    before: Sequence[Hook]
    """Global hooks; so *after* and *catch*."""
    after: Sequence[Hook]
    catch: Sequence[Hook]
    modules: ModuleRegistry
    config: Mapping[str, Any]
    registered: Sequence[type]
    """Classes that context values may be of."""
    root: Path | None
    transformers: Sequence[Transformer] = ()
    policy: DeployPolicy = DeployPolicy()
    topics: Mapping[str, Topic] = {}
    """By name."""
    problem_base: str = URN
