"""What goes wrong about who asks."""

from typing import Self

from runtime.errors.registration import RegistrationError
from runtime.errors.root import TimescapeError


class AuthenticatorError(RegistrationError, ValueError):
    """Authenticators or policies that would not hold, or that nobody could pass."""

    code = "RT130"


class AuthenticationError(TimescapeError):
    """Nobody could be established."""

    code = "RT800"


class CredentialsInvalidError(AuthenticationError):
    """A credential does not prove anybody; an authenticator raises it, the answer is 401.

    Attributes:
        reason: a word for the log, which the client does not see.
    """

    code = "RT801"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The credential is not valid: {reason}.", "Send another one.")

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:  # type: ignore[override]
        return type(self), (self.reason,)


class AuthUnavailableError(AuthenticationError):
    """Whoever has to vouch for a credential cannot be asked now; the answer is 503."""

    code = "RT802"


class PrincipalError(AuthenticationError, ValueError):
    """A principal that cannot be written down."""

    code = "RT803"


class NoSuchKeyError(TimescapeError, LookupError):
    """No idempotency key is held by this request."""

    code = "RT804"
