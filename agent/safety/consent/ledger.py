"""The consents that were given and taken back: lines of JSON that only grow, each chained to the last and signed.

A line is {"n", "prev", "entry", "hash", "sig"}: `hash` is the SHA-256 of the other three in canonical JSON, `sig` the
Ed25519 signature of it. The first line's entry names the key. `head.json` holds the number and hash of the last line,
so that lines missing from the end are missed. Who holds the key can write a whole new ledger: nothing here proves when
something was written to somebody who does not trust this machine.

A line that was being written when the machine stopped is no damage: it is put aside, and the rest holds.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent.disk import append_line, whole_lines, write_private
from agent.safety.consent.entries import ConsentError, Entry, Grant, Revocation
from agent.safety.consent.signing import is_signed, private_key, public_hex

NAME = "consents.jsonl"
HEAD = "head.json"
TORN = "consents.torn"
VERSION = 1
_START = "0" * 64
_ENTRY: TypeAdapter[Grant | Revocation] = TypeAdapter(Entry)


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a ledger; `line` counts from 1, 0 where no line is meant."""

    line: int
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}" if self.line else self.why


class Ledger:
    """The consents in `folder`. What of it can be read is; `damage` says why the rest cannot be relied on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.grants: dict[str, Grant] = {}
        self.revocations: dict[str, Revocation] = {}
        self.damage: Damage | None = None
        self._count, self._last, self._public = 0, _START, ""
        self._read()

    @property
    def path(self) -> Path:
        return self.folder / NAME

    def add(self, entry: Grant | Revocation) -> None:
        """Append, flushed to the disk when this returns. Raises ConsentError where the ledger is damaged, the key is
        missing, or the entry contradicts what is there."""
        if self.damage is not None:
            raise ConsentError(f"{self.path}, {self.damage}: nothing is added to a damaged ledger; restore a backup")
        self._check_new(entry)
        key = private_key(self.folder, make=self._count == 0)
        if self._count == 0:
            self._public = public_hex(key)
            self._append(key, {"kind": "ledger", "version": VERSION, "key": self._public})
        elif public_hex(key) != self._public:
            raise ConsentError(f"{self.folder}: the signing key is not the one of this ledger; restore a backup")
        self._append(key, entry.model_dump(mode="json"))
        self._take(entry)

    # ------------------------------------------------------------------ writing
    def _check_new(self, entry: Grant | Revocation) -> None:
        match entry:
            case Grant(id=new) if new in self.grants:
                raise ConsentError(f"there is a consent {new} already")
            case Revocation(consent=old) if old not in self.grants:
                raise ConsentError(f"there is no consent {old}; visavis consent list shows what there is")
            case Revocation(consent=old) if old in self.revocations:
                raise ConsentError(f"consent {old} was taken back already")

    def _append(self, key: Any, entry: dict[str, Any]) -> None:
        body = {"n": self._count, "prev": self._last, "entry": entry}
        digest = _hash(body)
        append_line(self.path, canonical(body | {"hash": digest, "sig": key.sign(bytes.fromhex(digest)).hex()}))
        self._count, self._last = self._count + 1, digest
        head = {"n": self._count, "hash": digest, "sig": key.sign(_head(self._count, digest)).hex()}
        write_private(self.folder / HEAD, canonical(head))

    # ------------------------------------------------------------------ reading
    def _read(self) -> None:
        if not self.path.exists():
            if (self.folder / HEAD).exists():
                self.damage = Damage(0, f"{self.path} is missing")
            return
        lines = whole_lines(self.path, self.folder / TORN)
        hashes = [_START]
        for number, line in enumerate(lines, start=1):
            why = self._line(line)
            if why:
                self.damage = Damage(number, why)
                return
            hashes.append(self._last)
        self.damage = self._check_head(hashes)

    def _line(self, line: bytes) -> str:  # noqa: PLR0911 -- one case a kind of damage
        """Take one line; what is wrong with it, "" if nothing."""
        try:
            record = json.loads(line)
            body = {name: record[name] for name in ("n", "prev", "entry")}
            digest, signature = record["hash"], record["sig"]
        except (ValueError, KeyError, TypeError):
            return "it is no record"
        if body["n"] != self._count or body["prev"] != self._last:
            return "it does not follow the line before it"
        if _hash(body) != digest:
            return "it was changed after it was written"
        if self._count == 0:
            first = body["entry"]
            if not isinstance(first, dict) or first.get("kind") != "ledger" or first.get("version") != VERSION:
                return "it is no ledger of this version"
            self._public = str(first.get("key"))
        if not is_signed(self._public, str(signature), bytes.fromhex(digest)):
            return "its signature is not the ledger's"
        if self._count > 0:
            try:
                self._take(_ENTRY.validate_python(body["entry"], strict=False))
            except ValidationError as error:
                return f"its entry is wrong: {error.errors(include_url=False)[0]['msg']}"
        self._count, self._last = self._count + 1, digest
        return ""

    def _take(self, entry: Grant | Revocation) -> None:
        if isinstance(entry, Grant):
            self.grants[entry.id] = entry
        else:
            self.revocations[entry.consent] = entry

    def _check_head(self, hashes: list[str]) -> Damage | None:
        """The head names the last line, or the one before it: the machine may have stopped between the two."""
        try:
            head = json.loads((self.folder / HEAD).read_bytes())
            count, digest, signature = int(head["n"]), str(head["hash"]), str(head["sig"])
        except (OSError, ValueError, KeyError, TypeError):
            return None if len(hashes) == 2 else Damage(0, f"{HEAD} is missing or no head: lines may be missing")
        if not is_signed(self._public, signature, _head(count, digest)):
            return Damage(0, f"{HEAD} is not signed by the ledger's key")
        if count > self._count:
            return Damage(0, f"{count - self._count} lines are missing at its end")
        if count < self._count - 1 or hashes[count] != digest:
            return Damage(0, f"{HEAD} is of another ledger")
        return None


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _hash(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()


def _head(count: int, digest: str) -> bytes:
    return canonical({"n": count, "hash": digest})
