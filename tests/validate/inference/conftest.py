"""Fixtures of the sets of real stars."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def real_stars(shared_data) -> None:
    """Require the sets of real stars; where CI=true their absence is a failure."""
    if not (shared_data / "realstars").is_dir():
        missing = pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip
        missing(f"no realstars/ in {shared_data}")
