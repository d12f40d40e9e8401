"""Consents as the rest of the program uses them: given, looked up, taken back, and what they seal."""

import json
from datetime import UTC, datetime
from pathlib import Path

from agent.disk import write_private
from agent.safety.consent.entries import ConsentError, Grant, Revocation
from agent.safety.consent.ledger import Ledger, canonical
from agent.safety.consent.policy import Decision, Use, decide
from agent.safety.consent.signing import is_signed, private_key, public_hex
from agent.safety.consent.vault import Vault

TOMBSTONES = "tombstones"


class Office:
    """The consents kept in `folder`. One process at a time writes there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.vault = Vault(folder)
        self.ledger = Ledger(folder)
        self._finish_revocations()

    def give(self, grant: Grant) -> None:
        """A new consent, and the key for what it covers. Raises ConsentError."""
        if self.is_revoked(grant.id):
            raise ConsentError(f"consent {grant.id} was taken back already")
        self.ledger.add(grant)
        self.vault.make(grant.id)

    def may(self, consent: str, use: Use, now: datetime | None = None) -> Decision:
        """Whether `consent` covers `use` now."""
        return decide(self.ledger, consent, use, now or datetime.now(UTC), tombstone=self.is_revoked(consent))

    def is_revoked(self, consent: str) -> bool:
        """Whether it was taken back; true even where the ledger cannot be read any more."""
        return consent in self.ledger.revocations or self._buried(consent)

    def _buried(self, consent: str) -> bool:
        path = self._tombstone(consent)
        if not path.exists():
            return False
        entry = read_tombstone(path.read_text(encoding="utf-8"), self._public())
        return entry is not None and entry.consent == consent

    def revoke(self, consent: str, confirmed: str, now: datetime | None = None) -> Revocation:
        """Take `consent` back, once and for all: the signed tombstone first, then the key is destroyed, then the
        ledger is told. What is interrupted is finished at the next start. Raises ConsentError."""
        if consent not in self.ledger.grants:
            raise ConsentError(f"there is no consent {consent}; visavis consent list shows what there is")
        if self.is_revoked(consent):
            raise ConsentError(f"consent {consent} was taken back already")
        entry = Revocation(consent=consent, confirmed=confirmed, made_at=now or datetime.now(UTC))
        key = private_key(self.folder, make=False)
        body = entry.model_dump(mode="json")
        signed = {"entry": body, "key": public_hex(key), "sig": key.sign(canonical(body)).hex()}
        write_private(self._tombstone(consent), canonical(signed))
        self._finish_revocations()
        return entry

    def proof(self, consent: str) -> str:
        """The signed tombstone, to be kept by whoever took the consent back. Raises ConsentError."""
        try:
            return self._tombstone(consent).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ConsentError(f"consent {consent} was not taken back") from None

    def _tombstone(self, consent: str) -> Path:
        return self.folder / TOMBSTONES / f"{consent}.json"

    def _finish_revocations(self) -> None:
        for path in sorted((self.folder / TOMBSTONES).glob("*.json")):
            entry = read_tombstone(path.read_text(encoding="utf-8"), self._public())
            if entry is None or entry.consent != path.stem:
                continue  # nobody else's file destroys a key
            self.vault.destroy(path.stem)
            known = path.stem in self.ledger.grants and path.stem not in self.ledger.revocations
            if known and self.ledger.damage is None:
                self.ledger.add(entry)

    def _public(self) -> str | None:
        """The key that tombstones are signed with; None where it is lost."""
        try:
            return public_hex(private_key(self.folder, make=False))
        except ConsentError:
            return None


def read_tombstone(text: str, key: str | None = None) -> Revocation | None:
    """The revocation that a tombstone proves; None where its signature does not hold, or is not `key`'s (hex)."""
    try:
        record = json.loads(text)
        if key is not None and record["key"] != key:
            return None
        if not is_signed(str(record["key"]), str(record["sig"]), canonical(record["entry"])):
            return None
        return Revocation.model_validate(record["entry"])
    except (ValueError, KeyError, TypeError):
        return None
