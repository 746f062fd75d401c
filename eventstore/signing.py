"""Ed25519: who sealed the log. Pure.

A *seed* is the private key, 32 bytes that stay with the holder; the *key* that follows
from it is public, and stands beside each seal that it signed.

Source: RFC 8032, by `cryptography`, which is loaded by the first signature only.
"""

SEED_BYTES = 32
KEY_BYTES = 32


def key_of(seed: bytes) -> bytes:
    """Return the public key that belongs to *seed*."""
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - see above

    return ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, text: bytes) -> bytes:
    """Return the signature of *text*, 64 bytes."""
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    return ed25519.Ed25519PrivateKey.from_private_bytes(seed).sign(text)


def is_signed(key: bytes, text: bytes, signature: bytes) -> bool:
    """Say whether *signature* is that of *text*, made with the seed of *key*."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):  # ValueError: not the form of a key
        return False
    return True
