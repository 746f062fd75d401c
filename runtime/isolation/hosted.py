"""A module of an app, checked and placed."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from runtime.isolation.tiers import Placed
from runtime.manifests.capabilities import Grant
from runtime.manifests.module import ModuleManifest, Verdict
from runtime.module_facts import ModuleRegistered
from runtime.modules import Method, Module


class Hosted(NamedTuple):
    """A module of an app."""

    module: Module
    """As this process imported it."""
    manifest: ModuleManifest
    """Of the code that runs."""
    verdict: Verdict
    methods: Mapping[str, Method]
    """As handlers call them."""
    placed: Placed
    """Where it runs."""
    policy: tuple[Grant, ...] | None
    """What it may be granted at most; None: what it declares."""
    own: frozenset[str] = frozenset()
    """Kinds of capabilities that the app has added."""

    @property
    def registered(self) -> ModuleRegistered:
        """What the log is told of it; its generation is the log's to know."""
        manifest = self.manifest
        return ModuleRegistered(
            tuple(manifest.methods),
            manifest.version,
            digest=manifest.digest,
            manifest=manifest.plain(),
            grants=_pairs(self.verdict.granted),
            denied=_pairs(self.verdict.denied),
        )


def _pairs(grants: Iterable[Grant]) -> tuple[tuple[str, str], ...]:
    return tuple((each.kind, pattern) for each in grants for pattern in each.patterns)
