"""Kills the making of a catalogue at random times: ``python -m tests.catalog.kills FOLDER N SEED``.

A process of its own because it forks: a killed copy of a program that has loaded everything costs
milliseconds, a killed command line seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.catalog.generation import Generated, generate_catalog
from pelsvae_cadence.catalog.reader import Catalog
from pelsvae_cadence.catalog.sites import DrawnStars
from pelsvae_cadence.catalog.validation import validate_catalog


def make_small_catalogue(path: Path, seed: int) -> Generated:
    """Twelve stars and half a year, in six partitions."""
    stars = DrawnStars(
        ra=np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0]),
        dec=np.full(6, -30.0),
        star_classes=("RRab",),
        stars_per_class=2,
    )
    survey = SyntheticSurvey(preset="lsst-v3", seed=1, years=0.5)
    return generate_catalog(path, survey, stars, seed=seed, stars_per_partition=2, overwrite=True)


def _child(path: Path, seed: int) -> int:
    """Start to make the catalogue in a copy of this process."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            make_small_catalogue(path, seed)
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    return child


def _killed_after(child: int, seconds: float) -> int:
    """Kill a process after a time, unless it has ended before, and give its exit status."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def kill_repeatedly(folder: Path, n_kills: int, seed: int) -> dict[str, Any]:
    """Count what is lost (an earlier catalogue), different (a resumed one), and what fails."""
    rng = np.random.default_rng(seed)
    undisturbed = folder / "undisturbed.h5"
    make_small_catalogue(undisturbed, seed)  # loads everything once
    start = time.monotonic()
    wanted = make_small_catalogue(undisturbed, seed).content
    duration = time.monotonic() - start
    earlier = make_small_catalogue(folder / "earlier.h5", seed + 1).content
    path = folder / "catalogue.h5"
    counts = dict.fromkeys(("kills", "completed", "different", "lost", "failures"), 0)
    shutil.copy(folder / "earlier.h5", path)
    while counts["kills"] < n_kills:
        child = _child(path, seed)
        status = _killed_after(child, rng.uniform(0.0, 1.2 * duration))
        if os.WIFSIGNALED(status):
            counts["kills"] += 1
            # Whatever the moment, the name holds the earlier catalogue or the complete new one.
            with Catalog(path) as catalog:
                found = catalog.content_hash
            counts["lost"] += found not in (earlier, wanted) or bool(validate_catalog(path))
            if found != wanted:
                continue
        elif os.WEXITSTATUS(status) != 0:
            counts["failures"] += 1
            continue
        counts["completed"] += 1
        start = time.monotonic()
        counts["different"] += make_small_catalogue(path, seed).content != wanted
        duration = time.monotonic() - start  # other work on the machine comes and goes
        shutil.copy(folder / "earlier.h5", path)
    counts["different"] += make_small_catalogue(path, seed).content != wanted
    left_over = sorted(
        item.name
        for item in folder.iterdir()
        if item.name not in ("undisturbed.h5", "earlier.h5", "catalogue.h5")
    )
    return {**counts, "left_over": left_over}


if __name__ == "__main__":
    print(json.dumps(kill_repeatedly(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
