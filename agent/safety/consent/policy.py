"""May it be done? One function, so that there is one answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agent.safety.consent.entries import Grant, Modality, Purpose
from agent.safety.consent.ledger import Ledger

Why = Literal[
    "allowed", "unknown", "revoked", "damaged", "not_yet", "expired", "modality", "purpose", "commercial", "training",
    "posthumous", "deceased",
]  # fmt: skip

EXPLAINED: dict[Why, str] = {
    "allowed": "it is agreed",
    "unknown": "there is no such consent; visavis consent list shows what there is",
    "revoked": "it was taken back",
    "damaged": "the consent ledger is damaged; visavis consent verify says where: restore a backup",
    "not_yet": "it does not hold yet",
    "expired": "it has ended; ask again",
    "modality": "it is for another part of the person",
    "purpose": "it is for other purposes",
    "commercial": "it is not for commercial use",
    "training": "it is not for training models for others",
    "posthumous": "it does not hold after death",
    "deceased": "the dead cannot be asked: it needs their own directive or proven authority",
}


@dataclass(frozen=True, slots=True)
class Use:
    """What somebody wants to do. `by_subject`: the person themself, with their own voice or face, live."""

    purpose: Purpose
    modality: Modality
    by_subject: bool = False
    commercial: bool = False
    for_others: bool = False
    """Of training: the model is for somebody else."""
    posthumous: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether, and why."""

    allowed: bool
    why: Why

    @property
    def reason(self) -> str:
        """In a few plain words."""
        return EXPLAINED[self.why]


def decide(ledger: Ledger, consent: str, use: Use, now: datetime, *, tombstone: bool = False) -> Decision:
    """Whether consent `consent` covers `use` at `now`. `tombstone`: it is known to be taken back, whatever the ledger
    says.

    Who speaks as themself is silenced by nothing but their own revocation: not by a date, and not by a damaged file.
    """
    grant = ledger.grants.get(consent)
    if tombstone or consent in ledger.revocations:
        return Decision(False, "revoked")
    if use.by_subject and use.purpose == "speak" and (grant is not None or ledger.damage is not None):
        return Decision(True, "allowed")
    if ledger.damage is not None:
        return Decision(False, "damaged")
    if grant is None:
        return Decision(False, "unknown")
    why = _hindrance(grant, use, now)
    return Decision(why == "allowed", why)


def _hindrance(grant: Grant, use: Use, now: datetime) -> Why:
    subject, scope = grant.subject, grant.scope
    hindrances: tuple[tuple[bool, Why], ...] = (
        (now < grant.valid_from, "not_yet"),
        (grant.valid_until is not None and now >= grant.valid_until, "expired"),
        (use.modality not in grant.modalities, "modality"),
        (use.purpose not in grant.purposes, "purpose"),
        (subject.kind == "deceased" and not (subject.directive or subject.authority), "deceased"),
        ((use.posthumous or subject.kind == "deceased") and not scope.posthumous, "posthumous"),
        (use.commercial and not scope.commercial, "commercial"),
        (use.purpose == "train" and use.for_others and not scope.training, "training"),
    )
    return next((why for hindered, why in hindrances if hindered), "allowed")
