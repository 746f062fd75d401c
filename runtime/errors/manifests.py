"""What is refused of manifests that a log keeps; the log stays as it was."""

from runtime.errors.registration import ManifestError


class ImmutableManifestError(ManifestError):
    """A version, or a generation of a module, declares something else in this log (MS-2)."""

    code = "RT117"


class CorruptManifestError(ManifestError):
    """A manifest that a log keeps is not what its digest says: it is not used (MS-4)."""

    code = "RT118"


class ConflictError(ManifestError):
    """Somebody else changed the manifests of the app meanwhile (MS-5)."""

    code = "RT119"
