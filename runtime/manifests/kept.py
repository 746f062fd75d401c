"""All manifests that the control stream of an app tells of: a fold of it (MS-1).

Total: any facts in any order give a store. Nothing in it is a truth of its own, so it may be
thrown away and folded again. What is read is made anew from canonical bytes: whoever changes
what was given to them changes nothing here.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from eventstore import Event
from runtime.errors import CorruptManifestError, ManifestError, VersionFormatError
from runtime.manifests.handler import HandlerManifest, HookEntry, digest_of
from runtime.manifests.module import ModuleManifest, module_from_json
from runtime.module_facts import ModuleRegistered
from runtime.timescape.version_ids import VersionId
from runtime.transform_facts import TransformerRegistered
from runtime.version_facts import HandlerDeployed

VersionKey: TypeAlias = tuple[str, str]
"""Handler and version id."""
ModuleKey: TypeAlias = tuple[str, int]
"""Name and generation."""
PairKey: TypeAlias = tuple[str, str, str]
"""Handler, older and newer."""

_encode = msgspec.json.Encoder(order="sorted").encode


class KeptVersion(msgspec.Struct, frozen=True):
    """A version of a handler, and under which digest its manifest is."""

    id: VersionId
    edition: str | None
    fingerprint: str
    digest: str
    """`` of a version deployed before manifests were kept."""
    position: int

    @property
    def key(self) -> VersionKey:
        """What it is known under."""
        return self.id.handler, str(self.id)

    @property
    def order(self) -> tuple[str, VersionId]:
        """Where it stands on the line of its handler (TS-2)."""
        return self.edition or "", self.id


class KeptModule(msgspec.Struct, frozen=True):
    """A module, and under which digest its manifest is."""

    name: str
    generation: int
    version: str
    digest: str
    position: int


class KeptPair(msgspec.Struct, frozen=True):
    """A transformer; its code is in the app, its fingerprint here."""

    handler: str
    older: str
    newer: str
    fingerprint: str
    position: int


class Corrupt(msgspec.Struct, frozen=True):
    """A document that is not what its digest says."""

    key: str
    """Of the fact that holds it."""
    digest: str
    """What it should have."""
    position: int

    @property
    def sentence(self) -> str:
        """The fault, for people."""
        return f"The manifest of {self.key} (position {self.position}) is not {self.digest}."


class Counts(msgspec.Struct, frozen=True):
    """How many there are (MS-7)."""

    handlers: int
    versions: int
    types: int
    modules: int
    transformers: int


class Manifests(msgspec.Struct, frozen=True):
    """The manifests of an app at a position of the log; reads answer None, or nothing at all."""

    position: int = 0
    """Of the last fact that is in it; 0: none is."""
    versions: Mapping[VersionKey, KeptVersion] = MappingProxyType({})
    modules: Mapping[ModuleKey, KeptModule] = MappingProxyType({})
    pairs: Mapping[PairKey, KeptPair] = MappingProxyType({})
    documents: Mapping[str, bytes] = MappingProxyType({})
    """Canonical JSON by its digest, each once whoever refers to it."""
    corrupt: tuple[Corrupt, ...] = ()
    """Documents that are not used."""

    def document(self, digest: str) -> bytes | None:
        """Return a document, as canonical JSON.

        Raises:
            CorruptManifestError: what the log keeps is another.
        """
        found = self.documents.get(digest)
        fault = next((each for each in self.corrupt if each.digest == digest), None)
        if found is None and fault is not None:
            raise CorruptManifestError(
                problem=fault.sentence, remedy="`timescape verify` says what else was altered."
            )
        return found

    def manifest(self, handler: str, version: str) -> HandlerManifest | None:
        """Return what a version declares.

        Raises:
            CorruptManifestError: see `document`.
            ManifestError: a newer Timescape wrote it.
        """
        kept = self.versions.get((handler, version))
        text = None if kept is None else self.document(kept.digest)
        return None if text is None else _handler(text)

    def module(self, name: str, generation: int) -> ModuleManifest | None:
        """Return what a module declares; see `manifest`."""
        kept = self.modules.get((name, generation))
        text = None if kept is None else self.document(kept.digest)
        return None if text is None else module_from_json(text)

    def line(self, handler: str) -> list[KeptVersion]:
        """Return the versions of a handler, ascending on its line (TS-2)."""
        own = [each for each in self.versions.values() if each.id.handler == handler]
        return sorted(own, key=lambda each: each.order)

    def newest(self, handler: str) -> KeptVersion | None:
        """Return the last version on the line of a handler."""
        return next(reversed(self.line(handler)), None)

    @property
    def types(self) -> dict[str, dict[str, Any]]:
        """The types that documents name, each once, as stored, by the digest of that."""
        return {digest_of(each): each for text in self.documents.values() for each in _types(text)}

    @property
    def hooks(self) -> dict[VersionKey, tuple[HookEntry, ...]]:
        """The hooks of each version whose manifest can be read, as they run."""
        found = {}
        for key, kept in self.versions.items():
            text = self.documents.get(kept.digest)
            if text is not None:
                found[key] = _handler(text).hooks
        return found

    @property
    def counts(self) -> Counts:
        """How many there are of each."""
        return Counts(
            handlers=len({handler for handler, _ in self.versions}),
            versions=len(self.versions),
            types=len(self.types),
            modules=len({name for name, _ in self.modules}),
            transformers=len(self.pairs),
        )


def fold_manifests(events: Iterable[Event], *, position: int | None = None) -> Manifests:
    """Return the manifests after *events*, or after those up to *position* of the log."""
    folding = _Folding()
    for event in events:
        if position is not None and event.position > position:
            break
        folding.add(event)
    return folding.done()


def check_document(plain: Any, digest: str) -> bool:
    """Say whether a document is what its digest says."""
    return digest_of(plain) == digest


class _Folding:
    """A fold under way."""

    def __init__(self) -> None:
        self.position = 0
        self.versions: dict[VersionKey, KeptVersion] = {}
        self.modules: dict[ModuleKey, KeptModule] = {}
        self.pairs: dict[PairKey, KeptPair] = {}
        self.documents: dict[str, bytes] = {}
        self.corrupt: list[Corrupt] = []

    def add(self, event: Event) -> None:
        effect = EFFECTS.get(type(event.data))
        if effect is not None:
            self.position = event.position
            effect(self, event.data, event.key or "", event.position)

    def keep(self, plain: Any, digest: str, key: str, position: int) -> None:
        """Keep a document, if there is one and it is what it should be."""
        if plain is None or digest in self.documents:
            return
        if check_document(plain, digest):
            self.documents[digest] = _encode(plain)
        else:
            self.corrupt.append(Corrupt(key, digest, position))

    def done(self) -> Manifests:
        return Manifests(
            self.position,
            MappingProxyType(self.versions),
            MappingProxyType(self.modules),
            MappingProxyType(self.pairs),
            MappingProxyType(self.documents),
            tuple(self.corrupt),
        )


def _deployed(kept: _Folding, fact: HandlerDeployed, key: str, position: int) -> None:
    try:
        version = VersionId.parse(key)
    except VersionFormatError:
        return
    # The first one stands: what was deployed under an id is never another (MS-2).
    if version.handler != fact.handler or (fact.handler, key) in kept.versions:
        return
    kept.versions[fact.handler, key] = KeptVersion(
        version, fact.edition, fact.fingerprint, fact.manifest, position
    )
    kept.keep(fact.declares, fact.manifest, key, position)


def _registered(kept: _Folding, fact: ModuleRegistered, key: str, position: int) -> None:
    if (key, fact.generation) not in kept.modules:
        kept.modules[key, fact.generation] = KeptModule(
            key, fact.generation, fact.version, fact.digest, position
        )
    kept.keep(fact.manifest, fact.digest, key, position)


def _joined(kept: _Folding, fact: TransformerRegistered, key: str, position: int) -> None:
    kept.pairs[key, fact.older, fact.newer] = KeptPair(
        key, fact.older, fact.newer, fact.fingerprint, position
    )


EFFECTS: Mapping[type, Callable[[_Folding, Any, str, int], None]] = {
    HandlerDeployed: _deployed,
    ModuleRegistered: _registered,
    TransformerRegistered: _joined,
}
"""What each fact does to the store."""


def _handler(text: bytes) -> HandlerManifest:
    try:
        return msgspec.json.decode(text, type=HandlerManifest)
    except msgspec.ValidationError as error:
        raise ManifestError(
            problem=f"A manifest that the log keeps cannot be read: {error}.",
            remedy="Use the Timescape that wrote it, or a newer one.",
        ) from error


def _types(text: bytes) -> list[dict[str, Any]]:
    """Find all stored types in a document: objects with the number of that form."""
    found: list[dict[str, Any]] = []
    waiting = [msgspec.json.decode(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict) and "gtype" in node:
            found.append(node)
        elif isinstance(node, dict | list):
            waiting += node.values() if isinstance(node, dict) else node
    return found
