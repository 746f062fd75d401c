"""Keys that tokens are verified with; each serves one family of algorithms (AU-4).

PyJWT and cryptography are loaded by the first key only.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from runtime.authentication.jose import Token
from runtime.errors import AuthenticatorError, CredentialsInvalidError

_MIN_SECRET: Final = 32
_MIN_RSA: Final = 2_048
_SECRET: Final = frozenset({"HS256", "HS384", "HS512"})
_RSA: Final = frozenset({"RS256", "RS384", "RS512"})
_PSS: Final = frozenset({"PS256", "PS384", "PS512"})
_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_KNOWN: Final = _SECRET | _RSA | _PSS | {*_CURVES.values(), "EdDSA"}


class Key:
    """A key and the algorithms that it may be used with."""

    def __init__(self, material: Any, algorithms: frozenset[str]) -> None:
        import jwt.algorithms  # noqa: PLC0415 - loads cryptography

        known = jwt.algorithms.get_default_algorithms()
        self._material = material
        self.algorithms = {name: known[name] for name in algorithms}

    def verify(self, token: Token) -> None:
        """Verify a token's signature.

        Raises:
            CredentialsInvalidError: it is not this key's, or the algorithm is not.
        """
        alg = token.header.get("alg")
        algorithm = self.algorithms.get(alg) if isinstance(alg, str) else None
        if algorithm is None:
            raise CredentialsInvalidError("alg-unexpected")
        if not algorithm.verify(token.signed, self._material, token.signature):
            raise CredentialsInvalidError("signature")


def check_algorithms(algorithms: Iterable[str]) -> frozenset[str]:
    """Return the algorithms of an issuer.

    Raises:
        AuthenticatorError: one of them cannot be used, `none` for example.
    """
    listed = frozenset(algorithms)
    unknown = sorted(map(str, listed - _KNOWN))
    if unknown:
        raise AuthenticatorError(
            problem=f"The algorithm {unknown[0]!r:.80} cannot be used.",
            remedy=f"Choose among {', '.join(sorted(_KNOWN))}.",
        )
    return listed


def load_key(kid: str, given: Any, algorithms: Iterable[str]) -> Key:
    """Load a key from config.

    Args:
        kid: what tokens call it.
        given: PEM as text, a JWK as a dict, or the bytes of a shared secret.
        algorithms: of the issuer; the key takes those of its own family.

    Raises:
        AuthenticatorError: it cannot be read, is too weak, or fits none of the algorithms.
    """
    listed = check_algorithms(algorithms)
    try:
        material = _material(given)
        family = _family(kid, material)
    except (ValueError, TypeError, ImportError) as error:
        if isinstance(error, AuthenticatorError):
            raise
        # What the library says may show the key.
        raise _fault(kid, "it cannot be read") from None
    fitting = listed & family
    if not fitting:
        raise _fault(kid, f"none of {', '.join(sorted(listed)) or 'no algorithms'} is for it")
    if fitting & _RSA and fitting & _PSS:
        raise _fault(kid, "it would serve two families, RS and PS")
    return Key(material, fitting)


def _material(given: Any) -> Any:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from jwt import PyJWK  # noqa: PLC0415

    if isinstance(given, bytes):
        return given
    if isinstance(given, str):
        return serialization.load_pem_public_key(given.encode())
    if isinstance(given, Mapping):
        return PyJWK(dict(given)).key
    raise TypeError


def _family(kid: str, material: Any) -> frozenset[str]:
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa  # noqa: PLC0415

    if isinstance(material, bytes):
        if len(material) < _MIN_SECRET:
            raise _fault(kid, f"a shared secret needs {_MIN_SECRET} bytes")
        if material.lstrip().startswith(b"-----BEGIN"):
            # A public key that is taken for a secret: everybody could sign.
            raise _fault(kid, "it is PEM given as bytes; give text")
        return _SECRET
    if isinstance(material, rsa.RSAPublicKey):
        if material.key_size < _MIN_RSA:
            raise _fault(kid, f"an RSA key needs {_MIN_RSA} bits")
        return _RSA | _PSS
    if isinstance(material, ec.EllipticCurvePublicKey):
        return frozenset({_CURVES.get(material.curve.name, "")})
    if isinstance(material, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return frozenset({"EdDSA"})
    raise _fault(kid, "it is no public key and no secret")


def _fault(kid: str, what: str) -> AuthenticatorError:
    return AuthenticatorError(
        problem=f"The key {kid!r:.80} cannot be used: {what}.",
        remedy="Give a public key as PEM text, a JWK, or 32 bytes or more of a shared secret.",
    )
