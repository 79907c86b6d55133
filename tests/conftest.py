"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real survey tables and light curves; required where CI=true."""
    named = os.environ.get("PELSVAE_DATA")
    folder = Path(named) if named else _ROOT.parent / "shared" / "data"
    if folder.is_dir():
        return folder
    message = (
        f"the real test data are not at {folder}; set PELSVAE_DATA to the folder that holds "
        "cadence/ and lightcurves/"
    )
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message)
    pytest.skip(message)
