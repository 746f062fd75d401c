"""All that an app declares as one canonical JSON document: its bundle (CG-14).

Types stand in it once, under their digests, and manifests refer to them. The digest is of the
content alone, so the same declarations are the same bytes wherever they were read.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from runtime.errors import ManifestError
from runtime.manifests import HandlerManifest, from_json
from runtime.manifests.handler import digest_of

FORM = 1
_encode = msgspec.json.Encoder(order="sorted").encode


class DeclaredModule(msgspec.Struct, frozen=True):
    """A module that handlers may call."""

    name: str
    methods: tuple[str, ...]
    manifest: Any = None
    """What a `Module` declares, as plain data; null for an object registered as it is."""


class DeclaredPair(msgspec.Struct, frozen=True, order=True):
    """A transformer between two versions."""

    handler: str
    older: str
    newer: str
    fingerprint: str
    functions: tuple[str, ...]


class Declarations(msgspec.Struct, frozen=True):
    """What an app declares, wherever it was read."""

    app: str
    manifests: tuple[HandlerManifest, ...]
    modules: tuple[DeclaredModule, ...] = ()
    transformers: tuple[DeclaredPair, ...] = ()


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document."""

    app: str
    handlers: tuple[dict[str, Any], ...]
    """Manifests, with digests in place of types."""
    order: dict[str, tuple[str | None, ...]]
    """The editions of each handler, oldest first."""
    types: dict[str, Any]
    modules: tuple[DeclaredModule, ...]
    transformers: tuple[DeclaredPair, ...]
    digest: str = ""
    """Of all the rest but *by*."""
    bundle: int = FORM
    by: str = ""
    """What wrote it."""

    def sealed(self) -> str:
        """Give the digest of the content."""
        return digest_of(msgspec.to_builtins(msgspec.structs.replace(self, digest="", by="")))


def bundle_of(known: Declarations) -> Bundle:
    """Put declarations into one document."""
    types: dict[str, Any] = {}
    ordered = sorted(known.manifests, key=lambda each: (each.handler, each.version or ""))
    order: dict[str, tuple[str | None, ...]] = {}
    for each in ordered:
        order[each.handler] = (*order.get(each.handler, ()), each.version)
    made = Bundle(
        known.app,
        tuple(_referring(msgspec.json.decode(_encode(each.plain())), types) for each in ordered),
        order,
        types,
        tuple(sorted(known.modules, key=lambda each: each.name)),
        tuple(sorted(known.transformers)),
    )
    return msgspec.structs.replace(made, digest=made.sealed())


def to_text(bundle: Bundle) -> str:
    """Write a bundle as canonical JSON, on one line."""
    return (_encode(bundle) + b"\n").decode()


def _referring(node: Any, types: dict[str, Any]) -> Any:
    """Put a digest in the place of each type of a manifest, and the type into *types*."""
    if isinstance(node, dict):
        if "gtype" in node:
            digest = digest_of(node)
            types[digest] = node
            return {"type": digest}
        return {name: _referring(each, types) for name, each in node.items()}
    return [_referring(each, types) for each in node] if isinstance(node, list) else node


def _whole(node: Any, types: Mapping[str, Any]) -> Any:
    """Undo `_referring`; a type that is not there stays a reference."""
    if isinstance(node, dict):
        if node.keys() == {"type"}:
            return types.get(node["type"], node)
        return {name: _whole(each, types) for name, each in node.items()}
    return [_whole(each, types) for each in node] if isinstance(node, list) else node


def read_bundle(text: bytes) -> Declarations:
    """Read a bundle that is whole.

    Raises:
        ManifestError: it is none, or not whole; lists all that is wrong.
    """
    bundle = decode(text)
    faults = problems(bundle)
    if faults:
        told = "\n- ".join(faults)
        raise ManifestError(
            problem=f"The bundle is not whole:\n- {told}\n", remedy="Generate it again."
        )
    manifests = tuple(_manifest(each, bundle.types) for each in bundle.handlers)
    return Declarations(bundle.app, manifests, bundle.modules, bundle.transformers)


def decode(text: bytes) -> Bundle:
    """Read a document, whole or not.

    Raises:
        ManifestError: it is no bundle.
    """
    try:
        return msgspec.json.decode(text, type=Bundle)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ManifestError(
            problem=f"This is no bundle: {error}.",
            remedy="Give one that `timescape generate bundle` wrote.",
        ) from error


def _manifest(plain: Mapping[str, Any], types: Mapping[str, Any]) -> HandlerManifest:
    return from_json(_encode(_whole(plain, types)))


def problems(bundle: Bundle) -> list[str]:
    """Say all that is wrong with a bundle; empty: nothing is."""
    return list(_Checking(bundle).problems())


class _Checking:
    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._read: list[HandlerManifest] = []

    def problems(self) -> Iterator[str]:
        bundle = self._bundle
        if bundle.bundle != FORM:
            yield f"it is of form {bundle.bundle}; this Timescape knows form {FORM}."
            return
        if bundle.digest != bundle.sealed():
            yield "its digest is not that of what it holds."
        yield from self._types()
        yield from self._handlers()
        yield from _doubles([(each.handler, each.version) for each in self._read])
        yield from self._order()
        for each in self._read:
            yield from _modules(each, bundle.modules)
        yield from self._transformers()

    def _types(self) -> Iterator[str]:
        for digest, plain in sorted(self._bundle.types.items()):
            if digest_of(plain) != digest:
                yield f"type {digest} has another digest."
        used = {ref for each in self._bundle.handlers for ref in _references(each)}
        for digest in sorted(used - self._bundle.types.keys()):
            yield f"type {digest} is not there."
        for digest in sorted(self._bundle.types.keys() - used):
            yield f"type {digest} belongs to nothing."

    def _handlers(self) -> Iterator[str]:
        for number, plain in enumerate(self._bundle.handlers, 1):
            if _references(plain) - self._bundle.types.keys():
                continue  # said above
            try:
                self._read.append(_manifest(plain, self._bundle.types))
            except ManifestError as error:
                yield f"manifest {number} ({plain.get('handler')}): {error.problem}"

    def _order(self) -> Iterator[str]:
        known: dict[str, list[str]] = {}
        for each in self._read:
            known.setdefault(each.handler, []).append(each.version or "")
        said = {name: [one or "" for one in line] for name, line in self._bundle.order.items()}
        for handler in sorted({*known, *said}):
            if sorted(known.get(handler, ())) != said.get(handler, []):
                yield f"the order of {handler} is not that of its versions."

    def _transformers(self) -> Iterator[str]:
        known = {(each.handler, each.version or "") for each in self._read}
        for each in self._bundle.transformers:
            for name in (each.older, each.newer):
                # An id is known to the store that gave it only.
                if not name.startswith("tsv:") and (each.handler, name) not in known:
                    yield (
                        f"a transformer joins {each.handler} {name or 'without edition'}, "
                        "which is not there."
                    )


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        if node.keys() == {"type"} and isinstance(node["type"], str):
            return {node["type"]}
        return {ref for each in node.values() for ref in _references(each)}
    return {ref for each in node for ref in _references(each)} if isinstance(node, list) else set()


def _doubles(keys: Sequence[tuple[str, str | None]]) -> Iterator[str]:
    for handler, version in sorted({k for k in keys if keys.count(k) > 1}, key=str):
        yield f"{handler} {version or 'without edition'} stands in it twice."


def _modules(each: HandlerManifest, modules: Sequence[DeclaredModule]) -> Iterator[str]:
    known = {module.name: set(module.methods) for module in modules}
    for need in each.needs.modules:
        name, _, method = need.partition(".")
        if name not in known:
            yield f"{each.handler} needs the module {name}, which is not there."
        elif method != "*" and method not in known[name]:
            yield f"{each.handler} needs {need}, which the module does not have."
