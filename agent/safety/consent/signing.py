"""The key that signs the ledger: made once, kept beside it, readable by its owner alone."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.disk import write_private
from agent.safety.consent.entries import ConsentError

NAME = "signing-key.pem"


def private_key(folder: Path, *, make: bool) -> Ed25519PrivateKey:
    """The key of the ledger in `folder`; a new one if there is none and it may be made. Raises ConsentError."""
    path = folder / NAME
    if not path.exists():
        if not make:
            raise ConsentError(f"{path} is missing: nothing can be added without it; put it back from a backup")
        key = Ed25519PrivateKey.generate()
        write_private(path, key.private_bytes_raw())
        return key
    try:
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    except ValueError:
        raise ConsentError(f"{path} is no signing key: put it back from a backup") from None


def public_hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()


def is_signed(public: str, signature: str, message: bytes) -> bool:
    """Whether `signature` (hex) is the key's (hex) of `message`."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
