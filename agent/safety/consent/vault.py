"""What may be used only while its consent holds, encrypted on the disk: each consent has its own key (AES-256-GCM).

Taking a consent back destroys its key, and with it every copy of what was sealed here. Copies that were exported, and a
disk's own backups, are out of reach.
"""

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent.disk import write_private
from agent.safety.consent.entries import ConsentError

_NONCE = 12
_MARK = b"VISAVIS1"


class Vault:
    """The keys in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "keys"

    def _path(self, consent: str) -> Path:
        return self._folder / f"{consent}.key"

    def holds(self, consent: str) -> bool:
        """Whether there is a key for `consent`."""
        return self._path(consent).exists()

    def make(self, consent: str) -> None:
        """A new key. Raises ConsentError where there is one."""
        if self.holds(consent):
            raise ConsentError(f"consent {consent} has a key already")
        write_private(self._path(consent), AESGCM.generate_key(256))

    def seal(self, consent: str, name: str, data: bytes) -> bytes:
        """`data` as it is kept; it can be opened under the same `name` only."""
        nonce = os.urandom(_NONCE)
        return _MARK + nonce + self._cipher(consent).encrypt(nonce, data, _about(consent, name))

    def open(self, consent: str, name: str, sealed: bytes) -> bytes:
        """What was sealed. Raises ConsentError where its key is gone, and where it is not what was sealed."""
        cipher = self._cipher(consent)
        nonce, rest = sealed[len(_MARK) : len(_MARK) + _NONCE], sealed[len(_MARK) + _NONCE :]
        try:
            if not sealed.startswith(_MARK):
                raise InvalidTag
            return cipher.decrypt(nonce, rest, _about(consent, name))
        except (InvalidTag, ValueError):
            raise ConsentError(f"{name} is damaged, or sealed by another consent than {consent}") from None

    def destroy(self, consent: str) -> None:
        """Nothing sealed by `consent` can be opened again."""
        path = self._path(consent)
        if path.exists():
            write_private(path, os.urandom(32))  # a key that may stay readable on the disk is not the one
            path.unlink()

    def _cipher(self, consent: str) -> AESGCM:
        try:
            return AESGCM(self._path(consent).read_bytes())
        except FileNotFoundError:
            raise ConsentError(f"consent {consent} was taken back, or its key is lost: it opens nothing") from None
        except ValueError:
            raise ConsentError(f"{self._path(consent)} is no key: put it back from a backup") from None


def _about(consent: str, name: str) -> bytes:
    return f"{consent}/{name}".encode()
