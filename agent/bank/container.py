"""The `.voicebank` file: all of a banked voice in one open container, to be kept, moved and read by other programs.

A ZIP, stored without compression, of

    manifest.json       {"format": "voicebank", "version": 1, "bank": bank.json's, "takes": [takes.jsonl's], "exported"}
    metadata.csv        LJSpeech's: ID|Transcription|Normalized, UTF-8, the best take of each prompt
    wavs/ID.wav         mono, 24 bits, as recorded
    rooms/ID.wav        the rooms without a voice
    consent/…           the signed ledger and its head, without any key
    checksums.sha256    of every file above, as sha256sum writes it

With a password it is that ZIP, encrypted: "VOICEBANK1", 16 bytes of salt, 12 of nonce, then AES-256-GCM; the key is
scrypt's (n = 2^17, r = 8, p = 1) of the password.
"""

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import ValidationError

from agent.bank import wav
from agent.bank.store import About, Bank, BankError, Take
from agent.safety.consent import Office, Use
from agent.safety.consent.ledger import HEAD, NAME

SUFFIX = ".voicebank"
MOST_BYTES = 20 * 2**30
MOST_FILES = 50_000
MOST_WAV = 200 * 2**20
_MARK = b"VOICEBANK1"
_SALT, _NONCE = 16, 12
_CHECKSUMS = "checksums.sha256"


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in one."""

    about: About
    takes: tuple[Take, ...]
    rooms: tuple[str, ...]


def export(bank: Bank, office: Office, path: Path, password: str = "", now: datetime | None = None) -> int:
    """Write `path`, whole or not at all; how many takes it holds. Raises BankError where consent does not cover it."""
    decision = office.may(bank.about.consent, Use("export", "voice"), now)
    if not decision.allowed:
        raise BankError(f"consent {bank.about.consent} does not allow an export: {decision.reason}")
    temporary = path.with_name(path.name + ".new")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as out:
        sums: list[str] = []
        for name, data in _files(bank, office, now or datetime.now(UTC)):
            out.writestr(name, data)
            sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
        out.writestr(_CHECKSUMS, "".join(sums))
    if password:
        temporary.write_bytes(_encrypted(temporary.read_bytes(), password))
    temporary.replace(path)
    return len(bank)


def _files(bank: Bank, office: Office, now: datetime) -> Iterator[tuple[str, bytes]]:
    takes = [take.model_dump(mode="json") for take in bank]
    manifest = {"format": "voicebank", "version": 1, "bank": bank.about.model_dump(mode="json"), "takes": takes}
    yield "manifest.json", json.dumps(manifest | {"exported": now.isoformat()}, ensure_ascii=False, indent=1).encode()
    yield "metadata.csv", "".join(_row(take) for take in bank.best().values()).encode()
    for take in bank:
        yield _wav_of(take), wav.write(*bank.sound(take.id))
    for name, sound in bank.rooms().items():
        yield f"rooms/{name}.wav", wav.write(*sound)
    for name in (NAME, HEAD):
        if (office.folder / name).exists():
            yield f"consent/{name}", (office.folder / name).read_bytes()


def _row(take: Take) -> str:
    text = " ".join(take.text.replace("|", " ").split())
    return f"{take.id}|{text}|{text}\n"


def verify(path: Path, password: str = "") -> Contents:
    """What is in the file, every checksum and every sound looked at. Raises BankError naming what is wrong."""
    with _opened(path, password) as archive:
        return _verified(archive, path)


def _verified(archive: zipfile.ZipFile, path: Path) -> Contents:
    contents = _contents(archive, path)
    sounds = [_wav_of(take) for take in contents.takes] + [f"rooms/{name}.wav" for name in contents.rooms]
    for name in sounds:
        try:
            wav.read(archive.read(name))
        except KeyError:
            raise BankError(f"{path}: {name} is missing") from None
        except ValueError as error:
            raise BankError(f"{path}: {name}: {error}") from None
    return contents


def _wav_of(take: Take) -> str:
    return f"wavs/{take.id}.wav"


def import_(path: Path, folder: Path, office: Office, consent: str, password: str = "") -> Bank:
    """A bank in `folder`, sealed anew by `consent` of this machine, with all that the file holds; or none at all.
    Raises BankError."""
    with _opened(path, password) as archive:
        contents = _verified(archive, path)
        if folder.exists() and any(folder.iterdir()):
            raise BankError(f"{folder} is not empty: name a new folder")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            bank = Bank.begin(folder, office, contents.about.model_copy(update={"consent": consent}))
            for take in contents.takes:
                pcm, _ = wav.read(archive.read(_wav_of(take)))
                bank.keep(take, pcm)
            for name in contents.rooms:
                bank.keep_room(*wav.read(archive.read(f"rooms/{name}.wav")), name=name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return bank


# ---------------------------------------------------------------------- reading what somebody else may have made
def _opened(path: Path, password: str) -> zipfile.ZipFile:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BankError(f"{path}: larger than {MOST_BYTES // 2**30} GiB")
        with path.open("rb") as file:
            encrypted = file.read(len(_MARK)) == _MARK
        if encrypted:
            return zipfile.ZipFile(io.BytesIO(_decrypted(path, password)))
        return zipfile.ZipFile(path)
    except OSError as error:
        raise BankError(f"{path}: {error.strerror or error}") from None
    except zipfile.BadZipFile:
        raise BankError(f"{path}: it is no voicebank file, or it is damaged") from None


def _contents(archive: zipfile.ZipFile, path: Path) -> Contents:
    names = _checked_names(archive, path)
    _check_sums(archive, path, names)
    try:
        manifest = json.loads(archive.read("manifest.json"))
        if (manifest["format"], manifest["version"]) != ("voicebank", 1):
            raise BankError(f"{path}: a voicebank of another version; update visavis")
        about = About.model_validate(manifest["bank"])
        takes = tuple(Take.model_validate(one) for one in manifest["takes"])
    except KeyError as error:
        raise BankError(f"{path}: manifest.json: {error.args[0]} is missing") from None
    except (ValidationError, ValueError, TypeError, RecursionError) as error:
        if isinstance(error, BankError):
            raise
        raise BankError(f"{path}: manifest.json is damaged") from None
    if len({take.id for take in takes}) != len(takes):
        raise BankError(f"{path}: manifest.json names a take twice")
    rooms = tuple(PurePosixPath(name).stem for name in sorted(names) if name.startswith("rooms/"))
    return Contents(about, takes, rooms)


def _checked_names(archive: zipfile.ZipFile, path: Path) -> set[str]:
    """No more, no larger and no other files than a voicebank has. Nothing is ever written by its name in the file."""
    entries = archive.infolist()
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise BankError(f"{path}: too many or too large files")
    names = {entry.filename for entry in entries}
    if len(names) != len(entries):
        raise BankError(f"{path}: it holds a file twice")
    for entry in entries:
        place = PurePosixPath(entry.filename)
        known = entry.filename in ("manifest.json", "metadata.csv", _CHECKSUMS) or (
            len(place.parts) == 2 and place.parts[0] in ("wavs", "rooms", "consent") and ".." not in place.parts
        )
        if not known:
            raise BankError(f"{path}: {entry.filename!r} does not belong in a voicebank")
        if entry.file_size > MOST_WAV or entry.compress_size * 100 < entry.file_size:
            raise BankError(f"{path}: {entry.filename} is too large")
    return names


def _check_sums(archive: zipfile.ZipFile, path: Path, names: set[str]) -> None:
    try:
        lines = archive.read(_CHECKSUMS).decode().splitlines()
    except (KeyError, UnicodeDecodeError):
        raise BankError(f"{path}: {_CHECKSUMS} is missing or damaged") from None
    except zipfile.BadZipFile:
        raise BankError(f"{path}: {_CHECKSUMS} is damaged") from None
    stated = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if set(stated) != names - {_CHECKSUMS}:
        missing = sorted(set(stated) ^ (names - {_CHECKSUMS}))[0]
        raise BankError(f"{path}: {missing} is missing, or has no checksum")
    for name, digest in stated.items():
        try:
            data = archive.read(name)
        except zipfile.BadZipFile:
            raise BankError(f"{path}: {name} is damaged") from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise BankError(f"{path}: {name} is damaged")


# ---------------------------------------------------------------------- the password
def _key(password: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=2**17, r=8, p=1).derive(password.encode()))


def _encrypted(data: bytes, password: str) -> bytes:
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    return _MARK + salt + nonce + _key(password, salt).encrypt(nonce, data, _MARK)


def _decrypted(path: Path, password: str) -> bytes:
    if not password:
        raise BankError(f"{path}: it is encrypted: give its password")
    data = path.read_bytes()
    salt, nonce, rest = _parts(data[len(_MARK) :])
    try:
        return _key(password, salt).decrypt(nonce, rest, _MARK)
    except InvalidTag:
        raise BankError(f"{path}: the password is wrong, or the file is damaged") from None


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    return data[:_SALT], data[_SALT : _SALT + _NONCE], data[_SALT + _NONCE :]
