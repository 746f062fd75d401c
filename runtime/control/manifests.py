"""Reads the manifests of an app out of a log, and carries them into another (MS-3, MS-6)."""

from eventstore import EventStoreError, Store, StreamId
from runtime.context import CONTROL
from runtime.errors import ConflictError
from runtime.manifests.carrying import Bundle, missing_in, write_bundle
from runtime.manifests.kept import Manifests, fold_manifests


def read_manifests(store: Store, stream: StreamId, *, position: int | None = None) -> Manifests:
    """Return the manifests of an app: the newest, or as of a position of the log.

    Raises:
        EventStoreError: the log cannot be read.
    """
    return fold_manifests(store.read(stream), position=position)


def export_manifests(store: Store, stream: StreamId) -> bytes:
    """Write the manifests of an app as one file.

    Raises:
        CorruptManifestError: one is not what its digest says.
        ManifestError: one was taken out of the log.
    """
    return write_bundle(stream.hex, list(store.read(stream)))


def import_manifests(store: Store, bundle: Bundle) -> int:
    """Append what the log does not have of a file, in one commit; return how many facts.

    Raises:
        ImmutableManifestError: the log tells of that app otherwise.
        ConflictError: somebody else appended meanwhile; nothing was changed.
        EventStoreError: the log cannot be written.
    """
    stream = bundle.of_stream
    revision = store.head(stream).revision
    new = missing_in(bundle, list(store.read(stream, 1, revision)))
    if not new:
        return 0
    try:
        store.append(stream, new, kind=CONTROL.name, expected=revision, durable=True).result()
    except EventStoreError as error:
        if error.code != "wrong-revision":
            raise
        raise ConflictError(
            problem="Somebody else changed the manifests of this app meanwhile.",
            remedy="Import again: what is there then is looked at anew.",
        ) from error
    return len(new)
