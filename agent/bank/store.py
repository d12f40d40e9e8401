"""A voice as it is recorded, take by take: each is on the disk, sealed by its consent, before the next begins.

In the folder: `bank.json` (whose, which language, under which consent), `takes.jsonl` (a line for each take and for
each that was deleted, in order; it only grows), `takes/ID.sealed` and `rooms/ID.sealed`. The sound is written before
its line: what was being written when the machine stopped is put aside in `unfinished/`, and all else is there.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.audio import Pcm
from agent.bank import wav
from agent.disk import append_line, whole_lines, write_private
from agent.safety.consent import Office, Use
from agent.safety.consent.ledger import canonical

Id = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
Style = Literal["neutral", "warm", "urgent", "question", "exclamation", "laughter", "counting", "names", "message"]


class BankError(ValueError):
    """The bank cannot be used so; the message says why and what mends it, in one line."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class About(Part):
    """Whose voice it is."""

    format: Literal["voicebank"] = "voicebank"
    version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=200)
    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")
    consent: str
    begun: datetime


class Take(Part):
    """One recording. `verdict` and `advice` are quality.py's; levels in dB of full scale."""

    kind: Literal["take"] = "take"
    id: Id
    prompt: Id
    text: str = Field(max_length=2000)
    """What was to be said, as it was shown."""
    style: Style = "neutral"
    verbatim: bool = False
    """Whether it is a message that is to be played as it is."""
    rate: int = Field(ge=8000, le=192_000)
    seconds: float = Field(ge=0)
    attempt: int = Field(default=1, ge=1)
    verdict: str = ""
    advice: tuple[str, ...] = ()
    peak: float = 0.0
    level: float = 0.0
    snr: float = 0.0
    made: datetime
    provenance: str = Field(default="recorded here", max_length=500)


class _Deleted(Part):
    kind: Literal["deleted"] = "deleted"
    id: Id


class Bank:
    """One person's recordings in `folder`. One process at a time writes there."""

    def __init__(self, folder: Path, office: Office) -> None:
        """Raises BankError where there is none, or it cannot be read."""
        self.folder = folder
        self._office = office
        try:
            self.about = About.model_validate_json((folder / "bank.json").read_bytes())
        except FileNotFoundError:
            raise BankError(f"there is no voice bank in {folder}") from None
        except ValidationError as error:
            raise BankError(f"{folder / 'bank.json'}: {error.errors(include_url=False)[0]['msg']}") from None
        self._takes: dict[str, Take] = {}
        self._read()

    @classmethod
    def begin(cls, folder: Path, office: Office, about: About) -> "Bank":
        """A new one. Raises BankError where there is one already, or its consent does not allow it."""
        if (folder / "bank.json").exists():
            raise BankError(f"there is a voice bank in {folder} already")
        decision = office.may(about.consent, Use("speak", "voice", by_subject=True))
        if not decision.allowed:
            raise BankError(f"consent {about.consent}: {decision.reason}")
        for name in ("takes", "rooms"):
            (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "takes.jsonl").touch(mode=0o600)
        write_private(folder / "bank.json", about.model_dump_json().encode())
        return cls(folder, office)

    def __iter__(self) -> Iterator[Take]:
        return iter(self._takes.values())

    def __len__(self) -> int:
        return len(self._takes)

    @property
    def seconds(self) -> float:
        """Of speech, in all."""
        return sum(take.seconds for take in self)

    def best(self) -> dict[str, Take]:
        """For each prompt the take to use: gold before kept before marked, of equals the last."""
        order = {"gold": 3, "kept": 2, "marked": 1}
        found: dict[str, Take] = {}
        for take in self:
            before = found.get(take.prompt)
            if before is None or order.get(take.verdict, 0) >= order.get(before.verdict, 0):
                found[take.prompt] = take
        return found

    def keep(self, take: Take, pcm: Pcm) -> None:
        """Keep a take with its sound, shape (n,) at `take.rate`. It is on the disk when this returns. Raises BankError,
        ConsentError."""
        if take.id in self._takes:
            raise BankError(f"there is a take {take.id} already")
        self._write(self._path(take.id), f"takes/{take.id}", wav.write(pcm, take.rate))
        self._append(take)
        self._takes[take.id] = take

    def sound(self, take_id: str) -> tuple[Pcm, int]:
        """A take's sound, shape (n,), and its rate in Hz. Raises BankError, ConsentError."""
        if take_id not in self._takes:
            raise BankError(f"there is no take {take_id}")
        return self._open(self._path(take_id), f"takes/{take_id}")

    def delete(self, take_id: str) -> None:
        """Forget a take. Raises BankError."""
        if take_id not in self._takes:
            raise BankError(f"there is no take {take_id}")
        self._append(_Deleted(id=take_id))
        del self._takes[take_id]
        self._path(take_id).unlink(missing_ok=True)

    def keep_room(self, pcm: Pcm, rate: int, name: str = "") -> str:
        """Keep the room's own sound of one day; returns its id, `name` or one from the time."""
        name = name or f"room_{datetime.now(UTC):%Y%m%d_%H%M%S}"
        self._write(self.folder / "rooms" / f"{name}.sealed", f"rooms/{name}", wav.write(pcm, rate))
        return name

    def rooms(self) -> dict[str, tuple[Pcm, int]]:
        """The rooms' sounds by their id."""
        paths = sorted((self.folder / "rooms").glob("*.sealed"))
        return {path.stem: self._open(path, f"rooms/{path.stem}") for path in paths}

    # ------------------------------------------------------------------ the disk
    def _path(self, take_id: str) -> Path:
        return self.folder / "takes" / f"{take_id}.sealed"

    def _write(self, path: Path, name: str, data: bytes) -> None:
        write_private(path, self._office.vault.seal(self.about.consent, name, data))

    def _open(self, path: Path, name: str) -> tuple[Pcm, int]:
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            raise BankError(f"{path} is missing: put it back from a backup") from None
        return wav.read(self._office.vault.open(self.about.consent, name, sealed))

    def _append(self, line: Take | _Deleted) -> None:
        append_line(self.folder / "takes.jsonl", canonical(line.model_dump(mode="json")))

    def _read(self) -> None:
        path = self.folder / "takes.jsonl"
        for number, line in enumerate(whole_lines(path, self.folder / "takes.torn"), start=1):
            try:
                record = json.loads(line)
                if record.get("kind") == "deleted":
                    self._takes.pop(_Deleted.model_validate(record).id, None)
                else:
                    take = Take.model_validate(record)
                    self._takes[take.id] = take
            except (ValueError, AttributeError) as error:
                raise BankError(
                    f"{path}, line {number} is damaged: put it back from a backup ({_first(error)})"
                ) from None
        self._put_aside()

    def _put_aside(self) -> None:
        """Sound without a line, and files that were not finished."""
        for path in sorted((self.folder / "takes").iterdir()):
            if path.suffix != ".sealed" or path.stem not in self._takes:
                (self.folder / "unfinished").mkdir(exist_ok=True, mode=0o700)
                path.replace(self.folder / "unfinished" / path.name)


def _first(error: Exception) -> str:
    return str(error.errors(include_url=False)[0]["msg"]) if isinstance(error, ValidationError) else str(error)
