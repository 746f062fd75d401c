"""The manifests of an app as one file, to be carried from log to log (MS-6).

It holds the facts of a control stream that a route table and its manifests are folded from, and
each document once, under its digest. The same facts give the same bytes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from eventstore import Event, NewEvent, StreamId
from eventstore.codec import Registry, from_plain, to_plain
from eventstore.upcasting import lift
from runtime.context import registry
from runtime.errors import (
    ImmutableManifestError,
    ManifestError,
    TimescapeError,
    VersionFormatError,
)
from runtime.manifests.handler import digest_of
from runtime.manifests.kept import Manifests, check_document, fold_manifests
from runtime.module_facts import ModuleRegistered
from runtime.timescape.folding import EFFECTS
from runtime.timescape.version_ids import VersionId
from runtime.transform_facts import TransformerRegistered
from runtime.version_facts import HandlerDeployed, TrafficSplitChanged

FORM = 1
CARRIED: frozenset[type] = frozenset({*EFFECTS, ModuleRegistered})
"""The facts that a file holds."""
_HOLDS: Mapping[type, tuple[str, str]] = {
    HandlerDeployed: ("declares", "manifest"),
    ModuleRegistered: ("manifest", "digest"),
}
"""Of facts with a document: the field it is in, and that of its digest."""
_MOST_TOLD = 40
_STREAM = re.compile(r"[0-9a-f]{32}", re.ASCII)
_encode = msgspec.json.Encoder(order="sorted").encode


class Carried(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fact in a file."""

    type: str
    schema: int
    key: str | None
    at_us: int
    data: dict[str, Any]
    """Without its document."""


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    stream: str
    """Id of the control stream that it is of."""
    facts: tuple[Carried, ...]
    documents: dict[str, Any]
    digest: str = ""
    """Of all the rest."""
    form: int = FORM

    @property
    def of_stream(self) -> StreamId:
        """The stream, of a bundle that was checked."""
        return StreamId(UUID(self.stream))

    def sealed(self) -> str:
        """Give the digest of all the rest."""
        return digest_of(msgspec.to_builtins(msgspec.structs.replace(self, digest="")))


def carried(events: Iterable[Event]) -> Iterator[Carried]:
    """Give the facts of a control stream that a file holds, without their documents."""
    known = registry()
    for event in events:
        if type(event.data) in CARRIED:
            data = _without_document(event.data)
            yield Carried(event.type, known.schema(event.type), event.key, event.at_us, data)


def _without_document(payload: Any) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(payload)
    for name in _HOLDS.get(type(payload), ())[:1]:
        plain.pop(name, None)
    return plain


def write_bundle(stream: str, events: Sequence[Event]) -> bytes:
    """Write the manifests that a control stream tells of.

    Raises:
        CorruptManifestError: one is not what its digest says.
        ManifestError: one was taken out of the log.
    """
    kept = fold_manifests(events)
    facts = tuple(carried(events))
    wanted = {digest for fact in facts if (digest := _digest_in(fact, kept))}
    documents = {}
    for digest in sorted(wanted):
        text = kept.document(digest)
        if text is None:
            raise ManifestError(
                problem=f"The log does not hold the manifest {digest} any more.",
                remedy="It was taken out; what is left cannot be carried away whole.",
            )
        documents[digest] = msgspec.json.decode(text)
    bundle = Bundle(stream, facts, documents)
    return _encode(msgspec.structs.replace(bundle, digest=bundle.sealed())) + b"\n"


def _digest_in(fact: Carried, kept: Manifests) -> str:
    """Return the digest that a fact refers to; `` if there was no document with it."""
    if fact.type == HandlerDeployed.type:
        return str(fact.data.get("manifest", ""))
    digest = str(fact.data.get("digest", "")) if fact.type == ModuleRegistered.type else ""
    # An object that was registered as it is has a digest and no document.
    return digest if digest in kept.documents or _is_corrupt(kept, digest) else ""


def _is_corrupt(kept: Manifests, digest: str) -> bool:
    return any(each.digest == digest for each in kept.corrupt)


def read_bundle(text: bytes) -> Bundle:
    """Read a file, and check all that can be checked without a log.

    Raises:
        ManifestError: lists every digest and reference that is wrong.
    """
    try:
        bundle = msgspec.json.decode(text, type=Bundle)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ManifestError(
            problem=f"This is no file of manifests: {error}.",
            remedy="Give one that `timescape manifest export` wrote.",
        ) from error
    problems = list(_problems(bundle))
    if problems:
        more = len(problems) - _MOST_TOLD
        told = [*problems[:_MOST_TOLD], *([f"and {more} more."] if more > 0 else [])]
        raise ManifestError(
            problem="The file is not whole:\n- " + "\n- ".join(told) + "\n",
            remedy="Export it again: nothing of it was taken.",
        )
    return bundle


def _problems(bundle: Bundle) -> Iterator[str]:
    if bundle.form != FORM:
        yield f"it is of form {bundle.form}; this Timescape knows form {FORM}."
        return
    if bundle.sealed() != bundle.digest:
        yield "its digest is not that of what it holds."
    if not _STREAM.fullmatch(bundle.stream):
        yield f"{bundle.stream[:80]!r} is no stream."
    for digest, plain in bundle.documents.items():
        if not check_document(plain, digest):
            yield f"document {digest} has another digest."
    yield from _References(bundle).problems()


class _References:
    """Follows the facts of a file, and says what leads nowhere."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._known = registry()
        self._versions: set[str] = set()
        self._handlers: set[str] = set()
        self._used: set[str] = set()

    def problems(self) -> Iterator[str]:
        for number, fact in enumerate(self._bundle.facts, 1):
            told = f"fact {number} ({fact.type} {fact.key or ''})"
            try:
                data = _data(fact, self._known)
            except (TimescapeError, ValueError) as error:
                yield f"{told} cannot be read: {error}"
                continue
            yield from (f"{told} {problem}" for problem in self._of(data, fact.key or ""))
        for digest in sorted(self._bundle.documents.keys() - self._used):
            yield f"document {digest} belongs to nothing."

    def _of(self, data: Any, key: str) -> Iterator[str]:
        match data:
            case HandlerDeployed(manifest=digest, handler=handler):
                yield from self._deployed(key, handler)
                if digest and digest not in self._bundle.documents:
                    yield f"refers to document {digest}, which is not there."
                self._used.add(digest)
            case ModuleRegistered(digest=digest):
                self._used.add(digest)
            case TransformerRegistered():
                if key not in self._handlers:
                    yield f"joins versions of {key!r}, which has none."
            case TrafficSplitChanged(parts=parts):
                for version in (version for version, _ in parts if version not in self._versions):
                    yield f"names {version}, which is not deployed before it."
            case _:
                if key not in self._versions:
                    yield "is about a version that is not deployed before it."

    def _deployed(self, key: str, handler: str) -> Iterator[str]:
        try:
            named = VersionId.parse(key).handler
        except VersionFormatError:
            yield "has no version id."
            return
        if named != handler:
            yield f"is of handler {handler!r}."
        if key in self._versions:
            yield "deploys it twice."
        self._versions.add(key)
        self._handlers.add(handler)


def _data(fact: Carried, known: Registry) -> Any:
    """Return a fact's payload, without its document.

    Raises:
        ManifestError: no such fact is carried.
        ValueError: it does not fit.
    """
    reading = known.reading(fact.type, fact.schema)
    if reading.cls is None or reading.cls not in CARRIED:
        raise ManifestError(problem="such facts are not carried.", remedy="Use a newer Timescape.")
    plain = lift(fact.data, reading.steps, fact.schema) if reading.steps else fact.data
    return from_plain(plain, reading.cls)


def missing_in(bundle: Bundle, events: Sequence[Event]) -> list[NewEvent]:
    """Say what has to be appended to a control stream so that it has all of *bundle*.

    Args:
        bundle: read by `read_bundle`.
        events: of the stream, as it is: some first facts of *bundle*, or all and more.

    Raises:
        ImmutableManifestError: the stream went another way; lists where.
    """
    there, known = list(carried(events)), registry()
    conflicts = [
        f"it has {_told(mine)}, and the file {_told(theirs)}"
        for mine, theirs in zip(there, bundle.facts, strict=False)
        if not _same(mine, theirs, known)
    ]
    if conflicts:
        raise ImmutableManifestError(
            problem="The log tells of this app otherwise:\n- "
            + "\n- ".join(conflicts[:_MOST_TOLD])
            + "\n",
            remedy="What was deployed stays as it was: import into a store of its own.",
        )
    kept = dict(fold_manifests(events).documents)
    new = [(_data(fact, known), fact) for fact in bundle.facts[len(there) :]]
    return [
        NewEvent(data.type, _whole(data, bundle.documents, kept), fact.key, fact.at_us)
        for data, fact in new
    ]


def _same(mine: Carried, theirs: Carried, known: Registry) -> bool:
    """Compare what facts say, by today's schema; when they were appended does not count."""
    data = _data(theirs, known)
    said = (data.type, theirs.key, _without_document(data))
    return said == (mine.type, mine.key, mine.data)


def _told(fact: Carried) -> str:
    digest = fact.data.get("manifest") or fact.data.get("digest") or ""
    return f"{fact.type} {fact.key or ''} {digest}".rstrip()


def _whole(data: Any, documents: Mapping[str, Any], kept: dict[str, Any]) -> Any:
    """Return a payload with its document, if it is the first that refers to it."""
    field, named = _HOLDS.get(type(data), ("", ""))
    digest = str(getattr(data, named, ""))
    if digest not in documents or digest in kept:
        return data
    kept[digest] = documents[digest]
    return msgspec.structs.replace(data, **{field: documents[digest]})
