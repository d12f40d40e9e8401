"""What a consent says. Times are aware UTC; hashes are SHA-256 in hex."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class ConsentError(ValueError):
    """Nothing may be done, or nothing can be kept; the message says why and what mends it, in one line."""


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("must say its time zone")
    return value.astimezone(UTC)


Time = Annotated[datetime, AfterValidator(_utc)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Id = Annotated[str, Field(pattern=r"^[a-z0-9_]{4,64}$")]
Modality = Literal["voice", "face"]
Purpose = Literal["speak", "talking_avatar", "export", "train"]
"""speak: the subject's own speech. talking_avatar: an avatar that others talk to. export: files that leave this
machine. train: a model is made from it."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Subject(Part):
    """Whose voice or face it is."""

    kind: Literal["self", "third_party", "minor", "deceased"]
    name: str = Field(min_length=1, max_length=200, repr=False)
    guardian: str = Field(default="", max_length=200, repr=False)
    """Who consents for a minor."""
    authority: Hash | None = None
    """Of the document by which somebody may consent for the deceased."""
    directive: bool = False
    """Whether the deceased said so in their lifetime, in writing."""

    @model_validator(mode="after")
    def _spoken_for(self) -> "Subject":
        if self.kind == "minor" and not self.guardian:
            raise ValueError("a minor's consent is given by a guardian: name one")
        return self


class Scope(Part):
    """What it may be used for beyond its purposes."""

    commercial: bool = False
    training: bool = False
    """Of models for anybody else than the subject."""
    posthumous: bool = False


class Statement(Part):
    """What was said, or typed, to give it."""

    locale: str = Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")
    template: str = Field(max_length=64)
    """Which wording, and which version of it."""
    code: str = Field(max_length=100)
    """The words that were drawn for this once."""
    audio: Hash | None = None
    """Of the recording; None where it was typed."""
    character_errors: float | None = Field(default=None, ge=0)
    """The recogniser's, per character of the statement; it only informs."""


class Verification(Part):
    """How it is known that the subject said it."""

    method: Literal["recognised", "witness", "typed"]
    score: float | None = None
    threshold: float | None = None
    model: str = Field(default="", max_length=100)
    witness: str = Field(default="", max_length=200, repr=False)

    @model_validator(mode="after")
    def _whole(self) -> "Verification":
        if self.method == "witness" and not self.witness:
            raise ValueError("a witness has a name")
        return self


class Grant(Part):
    """One consent."""

    kind: Literal["grant"] = "grant"
    id: Id
    subject: Subject
    modalities: tuple[Modality, ...] = Field(min_length=1)
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    scope: Scope = Scope()
    statement: Statement
    verification: Verification
    made_at: Time
    valid_from: Time
    valid_until: Time | None = None
    """None: until it is taken back."""

    @model_validator(mode="after")
    def _in_order(self) -> "Grant":
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("valid_until must come after valid_from")
        return self


class Revocation(Part):
    """The tombstone of one."""

    kind: Literal["revocation"] = "revocation"
    consent: Id
    confirmed: str = Field(max_length=100)
    """The words by which the subject confirmed it."""
    made_at: Time


Entry = Annotated[Grant | Revocation, Field(discriminator="kind")]
