"""One comparison on real tables that many tests look at, and a browser to look with."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.metrics.comparison.plans import POSITIONS, QUICK


@pytest.fixture(scope="session")
def comparison(maf_ready):
    from pelsvae_cadence.metrics import comparison

    return comparison


@pytest.fixture(scope="session")
def database(shared_data):
    return str(shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db")


@pytest.fixture(scope="session")
def plan(comparison):
    return comparison.Plan(positions=POSITIONS, magnitudes=(21.0, 22.5), years=(1, 2), seed=3, **QUICK)


@pytest.fixture(scope="session")
def whole(comparison, database, plan, tmp_path_factory):
    """A run, itself again, 30 % of its visits, and a file that is no database."""
    folder = tmp_path_factory.mktemp("compare")
    broken = folder / "broken.db"
    broken.write_bytes(b"SQLite format 3\x00" + b"rubbish" * 500)
    told: list[tuple[str, str]] = []
    seen: list[tuple[str, int, int]] = []
    result = comparison.compare(
        [database, database, str(broken), f"{database}:thinned=0.3"],
        plan,
        out_dir=folder / "out",
        names=["base", "again", "broken", "thin"],
        command="compare as a test",
        progress=lambda *step: seen.append(step),
        on_failure=lambda *what: told.append(what),
    )
    return result, told, seen


@pytest.fixture(scope="session")
def browser():
    """Chromium or Chrome; required where CI=true."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail("no Chromium or Chrome on the PATH")
    return pytest.skip("no Chromium or Chrome on the PATH")


@pytest.fixture(scope="session")
def report(maf_ready, tmp_path_factory):
    from pelsvae_cadence.metrics.comparison import Plan, compare

    plan = Plan(
        nside=1,
        star_classes=("RRab",),
        magnitudes=(21.0, 23.0),
        years=(0.5, 1),
        stars_per_position=2,
        period_range=(0.3, 1.2),
    )
    folder = tmp_path_factory.mktemp("report")
    broken = folder / "broken.db"
    broken.write_text("no database")
    runs = ["baseline:years=1", "baseline:years=1:thinned=0.5", str(broken)]
    names = ["base", 'half <b>&"quoted"</b>', "gone"]
    result = compare(runs, plan, out_dir=folder / "out", names=names)
    return result.files["report"]
