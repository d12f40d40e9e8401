"""Where this user's programs keep what should outlive them."""

import os
import sys
from pathlib import Path


def state_folder() -> Path:
    """What can be made anew."""
    return _folder("XDG_STATE_HOME", ".local/state")


def data_folder() -> Path:
    """What cannot: consents, voices, faces. VISAVIS_DATA names another place."""
    chosen = os.environ.get("VISAVIS_DATA")
    return Path(chosen) if chosen else _folder("XDG_DATA_HOME", ".local/share")


def _folder(variable: str, usual: str) -> Path:
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get(variable) or Path.home() / usual)
    return base / "visavis"
