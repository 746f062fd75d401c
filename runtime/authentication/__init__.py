"""Who asks: credentials in, a principal out.

`Jwt`, `OpaqueTokens`, `ApiKeys` and authenticators of your own are given to
`App(auth=[…])`. Each claims credentials by their form; one that nobody claims proves nobody
(AU-1).
"""

from runtime.authentication.api_keys import ApiKey, ApiKeys, key_digest
from runtime.authentication.credentials import Authenticator, Credential
from runtime.authentication.establishing import Authentication, Unproven
from runtime.authentication.introspection import OpaqueTokens
from runtime.authentication.json_web_tokens import Jwt
from runtime.authentication.key_sets import KeySet
from runtime.principals import ANONYMOUS, Principal

__all__ = [
    "ANONYMOUS",
    "ApiKey",
    "ApiKeys",
    "Authentication",
    "Authenticator",
    "Credential",
    "Jwt",
    "KeySet",
    "OpaqueTokens",
    "Principal",
    "Unproven",
    "key_digest",
]
