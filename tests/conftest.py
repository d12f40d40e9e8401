"""What tests of several parts share."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine makes any example slow: no test is judged by its time. The suite tries the same examples every time, so
# that a red run is somebody's doing; HYPOTHESIS_PROFILE=search tries new ones.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def speech_folder() -> Path:
    """A folder of recorded human speech: VISAVIS_TEST_SPEECH, or shared/speech beside the checkout."""
    named = os.environ.get("VISAVIS_TEST_SPEECH")
    for folder in [Path(named)] if named else [ROOT / "shared" / "speech", ROOT.parent / "shared" / "speech"]:
        if folder.is_dir() and any(folder.iterdir()):
            return folder
    pytest.skip("no recorded speech here: set VISAVIS_TEST_SPEECH to a folder of it")


@pytest.fixture(scope="session")
def browser() -> str | None:
    """The path of a Chromium: VISAVIS_BROWSER or one that is installed. None leaves the choice to Playwright."""
    named = os.environ.get("VISAVIS_BROWSER")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
    return next((path for path in map(shutil.which, names) if path), None)
