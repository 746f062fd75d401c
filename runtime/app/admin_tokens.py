"""What callers of the admin listener have to show, and whose it is (SD-2, KB-4).

A token may have a name. Then what its holder does is recorded as done by that name, whatever the
caller says, and what somebody else does as done by whom they *claim* to be.
"""

import hmac
import re
from collections.abc import Mapping

from runtime.errors import ServeError

TOKEN_SETTING = "TIMESCAPE_ADMIN_TOKEN"  # noqa: S105 - its name
"""Environment variable that holds what callers of the admin listener have to show."""
TOKENS_SETTING = "TIMESCAPE_ADMIN_TOKENS"
"""Environment variable that holds tokens with names, `ann=TOKEN,eve=TOKEN`."""
_NAME = re.compile(r"[\w.@+-]{1,60}", re.ASCII)


class AdminTokens:
    """Tokens that are taken.

    Args:
        unnamed: one of nobody in particular; None: there is none.
        named: those of persons, by their names.
    """

    def __init__(self, unnamed: str | None = None, named: Mapping[str, str] | None = None) -> None:
        self._unnamed = unnamed
        self._named = dict(named or {})

    def __bool__(self) -> bool:
        return self._unnamed is not None or bool(self._named)

    def take(self, authorization: str) -> bool:
        """Say whether a caller with this header may ask."""
        if not self:
            return True
        return self.name_of(authorization) != "" or self._is(authorization, self._unnamed)

    def name_of(self, authorization: str) -> str:
        """Return whose token the header shows; ``: nobody's."""
        # All are tried: how long it takes tells nothing of which was nearly met.
        met = [name for name, token in self._named.items() if self._is(authorization, token)]
        return met[0] if met else ""

    def by(self, authorization: str, claimed: str) -> str:
        """Return who does what is asked with this header, as it is recorded."""
        if not self._named:
            return claimed  # nobody's name is known here, so none needs to be told apart
        return self.name_of(authorization) or f"{claimed or 'somebody'} (claimed)"

    @staticmethod
    def _is(authorization: str, token: str | None) -> bool:
        if token is None:
            return False
        return hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())


def read_tokens(environ: Mapping[str, str]) -> AdminTokens:
    """Return the tokens that the environment names.

    Raises:
        ServeError: what it says cannot be read; no token is shown.
    """
    named: dict[str, str] = {}
    for part in filter(None, environ.get(TOKENS_SETTING, "").split(",")):
        name, _, token = part.strip().partition("=")
        if not _NAME.fullmatch(name) or not token or name in named or token in named.values():
            raise ServeError(
                problem=f"{TOKENS_SETTING} holds what is no name with a token of its own.",
                remedy="Write ann=TOKEN,eve=TOKEN: letters, digits and .@+-_ in a name.",
            )
        named[name] = token
    return AdminTokens(environ.get(TOKEN_SETTING) or None, named)
