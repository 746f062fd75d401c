"""`secrets=` of a handler: which secrets it may read (SE-6, CP-2)."""

from runtime.app.declarations import Declared
from runtime.app.manifesting import seen_by
from runtime.app.sources import Sources
from runtime.errors import CapabilityError, RegistrationError
from runtime.secrets import check_name


def check_secrets(names: object) -> tuple[str, ...] | None:
    """Read `secrets=`.

    Raises:
        RegistrationError: one is no name of a secret.
    """
    if names is None:
        return None
    if not isinstance(names, list | tuple | set | frozenset):
        raise RegistrationError(
            problem=f"secrets={names!r:.80} names no secrets.",
            remedy='Write secrets={"stock-token"}.',
        )
    for name in names:
        check_name(name)
    return tuple(sorted(names))


def refuse_ungranted(declared: Declared, sources: Sources) -> list[str]:
    """Compare `secrets=` with what the source shows; say what is granted and unseen.

    Raises:
        CapabilityError: the source shows a secret that is not granted.
    """
    if declared.secrets is None:
        return []
    seen, dynamic = seen_by(declared, sources)
    more = [name for name in seen.secrets if name not in declared.secrets]
    if more:
        raise CapabilityError(
            problem=f"{declared.template.text} ({declared.place}) reads {', '.join(more)}, "
            "which its secrets= does not name.",
            remedy="Name them, or leave secrets= out.",
        )
    if dynamic:
        return []
    unused = [name for name in declared.secrets if name not in seen.secrets]
    return [f"secrets= names {name}, which nothing reads." for name in unused]
