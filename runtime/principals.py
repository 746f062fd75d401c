"""Who asks: the principal of a request, and the fact that says so (AU-2, AU-3)."""

import msgspec

from runtime.errors import PrincipalError
from runtime.facts import PrincipalEstablished

_LONGEST = 256


class Principal(msgspec.Struct, frozen=True):
    """Who asks, as it was proven. What proved it is kept nowhere.

    Raises:
        PrincipalError: it has no id that can be written down.
    """

    id: str
    """1 to 256 bytes, unique among those of its issuer."""
    kind: str = "user"
    """user, service, key or anonymous."""
    issuer: str = ""
    """Who vouches for it; `` where nobody else does."""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    tenant: str | None = None
    credential: str | None = None
    """Id of what proved it: a token's `jti`, an API key's id."""
    auth_time: float | None = None
    """When it proved itself, seconds since 1970."""
    expires: float | None = None
    """Until when the proof holds, seconds since 1970."""
    ceiling: int = 10
    """The highest priority that its requests may have."""

    def __post_init__(self) -> None:
        if not self.id.isprintable() or not 0 < len(self.id.encode()) <= _LONGEST:
            raise PrincipalError(
                problem=f"{self.id[:64]!r} is no id of a principal.",
                remedy=f"Use 1 to {_LONGEST} bytes of printable text.",
            )

    @property
    def subjects(self) -> tuple[str | None, str | None, str | None]:
        """What it is known by: credential, principal, tenant; None: it has none."""
        return self.credential, None if self.is_anonymous else self.id, self.tenant

    @property
    def is_anonymous(self) -> bool:
        """Whether nothing was proven."""
        return self.kind == "anonymous"


ANONYMOUS = Principal("anonymous", "anonymous", ceiling=5)
"""Who asks without credentials."""
_NOBODY = PrincipalEstablished(), "anonymous"


def established(principal: Principal) -> tuple[PrincipalEstablished, str]:
    """Return the fact that *principal* asks, and its key."""
    if principal is ANONYMOUS:
        return _NOBODY
    fact = PrincipalEstablished(
        kind=principal.kind,
        roles=principal.roles,
        issuer=principal.issuer,
        scopes=principal.scopes,
        tenant=principal.tenant,
        credential=principal.credential,
        auth_time=principal.auth_time,
        expires=principal.expires,
        ceiling=principal.ceiling,
    )
    return fact, principal.id


def recorded(fact: PrincipalEstablished, key: str | None) -> Principal:
    """Return who asked, from the record; nothing is verified again."""
    if fact.kind == "anonymous" or not key:
        return ANONYMOUS
    return Principal(
        key,
        fact.kind,
        fact.issuer,
        fact.roles,
        fact.scopes,
        fact.tenant,
        fact.credential,
        fact.auth_time,
        fact.expires,
        fact.ceiling,
    )
