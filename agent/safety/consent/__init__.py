"""Whose voice and face may be used, for what, and until when: asked first, written down, signed, taken back for good.

`ledger.py` keeps what was agreed, `vault.py` what may be used only while it is, `policy.py` decides, `statement.py` is
what is said aloud.
"""

from agent.safety.consent.entries import ConsentError, Grant, Revocation, Scope, Statement, Subject, Verification
from agent.safety.consent.ledger import Damage, Ledger
from agent.safety.consent.office import Office
from agent.safety.consent.policy import Decision, Use, decide

__all__ = [
    "ConsentError",
    "Damage",
    "Decision",
    "Grant",
    "Ledger",
    "Office",
    "Revocation",
    "Scope",
    "Statement",
    "Subject",
    "Use",
    "Verification",
    "decide",
]
