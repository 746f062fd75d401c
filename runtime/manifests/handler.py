"""What a version of a handler declares, as data: its manifest (MG-2).

It is a function of the code alone: no clock, no path of this machine, no version of Python
enters it, so the same code gives the same bytes everywhere (MG-7, MG-9).
"""

import hashlib
from functools import cached_property
from typing import Any

import msgspec

from runtime.errors import ManifestError
from runtime.gtype import GType
from runtime.gtype.stored import VERSION as GTYPE
from runtime.gtype.stored import Stored
from runtime.manifests.promises import Promises

FORM = 1
_encode = msgspec.json.Encoder(order="sorted").encode


# A default is left out where the value *is* it, so only such may be defaults of which there is
# but one object: else equal manifests would be other bytes.


class HookEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A hook as it will run."""

    kind: str
    level: str
    id: str
    place: str
    """`file:line`."""
    timeout_s: float | None = None
    retries: int = 0
    backoff: tuple[float, float, float] | None = None
    """Of the waits between attempts: initial, factor, cap; None: there are none."""


class Policies(msgspec.Struct, frozen=True, omit_defaults=True):
    """The limits of a handler."""

    timeout_s: float
    max_body: int
    on_disconnect: str
    """finish or cancel."""
    auth: str = ""
    """required, or open to all."""
    roles: tuple[str, ...] = ()
    """One of them suffices; sorted."""
    scopes: tuple[str, ...] = ()
    """All of them are needed; sorted."""
    limits: tuple[str, ...] = ()
    idempotency: str | None = None
    """off, optional or required; None: by the method."""
    max_concurrency: int | None = None
    run: str = "newest"
    """newest: callers of it are served by later code where transformers lead there; own."""
    max_members: int | None = None
    """That an object of a body may have; None: 1 000."""
    max_items: int | None = None
    """That an array of a body may have; None: 10 000."""
    body_timeout_s: float | None = None
    """That a body may take to come; None: 30."""
    decompress: bool = False
    """Whether compressed bodies are taken."""
    max_answer: int | None = None
    """Bytes that an answer may have; None: 16 MiB."""


class Needs(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a handler asks of its runtime."""

    modules: tuple[str, ...] = ()
    """`stock.left`, sorted; `stock.*` where all methods were declared."""
    declared: bool = False
    """Somebody wrote them down: nothing else may be used."""
    dynamic: tuple[str, ...] = ()
    """Places where the source does not show what is used."""
    secrets: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    schema: str | None = None
    """Of a database, `orders@2`."""


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a handler is written."""

    file: str
    """Relative to where the app runs."""
    line: int
    fingerprint: str
    """Of its syntax tree, of those of its hooks, and of what they reach in their files."""
    by: str
    """`syntax`, or `bytecode` where there is no source."""


class HandlerManifest(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """All that is declared of one version of a handler."""

    handler: str
    method: str
    path: str
    version: str | None
    takes: str
    """json, raw or nothing."""
    media: str
    """Of answers."""
    policies: Policies
    source: Source
    manifest: int = FORM
    params: tuple[tuple[str, str], ...] = ()
    """Path parameters and their types, in order."""
    query: Stored | None = None
    body: Stored | None = None
    """None: any."""
    answers: tuple[tuple[int, Stored | None], ...] = ()
    """By status; None: no body, or any."""
    hooks: tuple[HookEntry, ...] = ()
    """In the order in which they run: before, after, catch."""
    needs: Needs = Needs()
    sensitive: tuple[str, ...] = ()
    """`body /card`, sorted."""
    doc: str = ""
    """The first paragraph of the docstring."""
    promises: Promises | None = None
    """What it promises besides; None: nothing."""

    @property
    def contract(self) -> str:
        """The digest of all that a client can observe."""
        # What came later is told only where it is said: older manifests keep their digest.
        more = {} if self.promises is None else {"promises": self.promises}
        return digest_of(
            {
                **more,
                "method": self.method,
                "path": self.path,
                "params": self.params,
                "takes": self.takes,
                "media": self.media,
                "query": _digest(self.query),
                "body": _digest(self.body),
                "answers": [(status, _digest(stored)) for status, stored in self.answers],
                "policies": self.policies,
            }
        )

    @cached_property
    def fingerprint(self) -> str:
        """The digest of contract and code: a new one is a new deployment.

        Lines, files and documentation do not count.
        """
        hooks = [msgspec.structs.replace(hook, place="") for hook in self.hooks]
        needs = msgspec.structs.replace(self.needs, dynamic=())
        return digest_of(
            {
                "handler": self.handler,
                "version": self.version,
                "contract": self.contract,
                "source": (self.source.by, self.source.fingerprint),
                "hooks": hooks,
                "needs": needs,
                "dynamic": len(self.needs.dynamic),
                "sensitive": self.sensitive,
            }
        )

    @property
    def digest(self) -> str:
        """The digest of the manifest itself, with all it says."""
        return digest_of(self.plain())

    def plain(self) -> dict[str, Any]:
        """Give it as plain data, with its two digests."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {
            **plain, "manifest": FORM, "contract": self.contract, "fingerprint": self.fingerprint,
        }  # fmt: skip


def digest_of(value: Any) -> str:
    """Return `sha256:` and the digest of *value* as canonical JSON."""
    return f"sha256:{hashlib.sha256(_encode(value)).hexdigest()}"


def _digest(stored: Stored | None) -> str | None:
    return None if stored is None else GType(stored.root, stored.objects).digest


def stored_type(made: GType) -> Stored:
    """Give a type as a manifest holds it."""
    return Stored(GTYPE, made.root, made.objects)


def to_json(manifest: HandlerManifest) -> bytes:
    """Write a manifest as canonical JSON, on one line."""
    return _encode(manifest.plain()) + b"\n"


def from_json(text: str | bytes) -> HandlerManifest:
    """Read what `to_json` wrote.

    Raises:
        ManifestError: it is none, of another form, or its digests are not those of the rest.
    """
    try:
        plain: Any = msgspec.json.decode(text)
        found = msgspec.convert(plain, HandlerManifest, strict=True)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ManifestError(
            problem=f"This is no manifest of a handler: {error}.",
            remedy="Give a file that `timescape manifest --out` wrote.",
        ) from error
    if found.manifest != FORM:
        raise ManifestError(
            problem=f"A manifest of form {found.manifest}; this Timescape knows form {FORM}.",
            remedy="Use the Timescape that wrote it, or write it again.",
        )
    if (plain.get("contract"), plain.get("fingerprint")) != (found.contract, found.fingerprint):
        raise ManifestError(
            problem=f"The manifest of {found.handler} is not what its digests say.",
            remedy="Somebody changed it by hand: write it again.",
        )
    return found


def first_paragraph(doc: str | None) -> str:
    """Give the first paragraph of a docstring, in one line."""
    paragraph = (doc or "").strip().split("\n\n", 1)[0]
    return " ".join(paragraph.split())
