"""Is anything lost when a catalogue's process is killed? Tried with real kills at random times.

``python -m pelsvae_cadence.validate.catalog.kills FOLDER N SEED`` does it and prints what happened, as JSON.
It runs in a process of its own because it forks: a killed copy of a program that has loaded everything
costs milliseconds, a killed command line seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pelsvae_cadence.catalog.generation import Generated

__all__ = ["kill_repeatedly", "make_small_catalogue"]


def kill_repeatedly(folder: Path, n_kills: int, seed: int = 0) -> dict[str, Any]:
    """Kill the making of a catalogue again and again, at random times, and resume it.

    Parameters
    ----------
    folder : Path
        An empty folder to work in.
    n_kills : int
        Number of kills (SIGKILL).
    seed : int
        Seed of the times.

    Returns
    -------
    dict
        ``kills``; ``completed``, catalogues that were finished in spite of them; ``different``, those
        of them that differ from the undisturbed one; ``lost``, kills after which an earlier
        catalogue of the same name was damaged or gone; ``failures``, resumed runs that ended with
        an error; ``left_over``, files that were not cleared away in the end.
    """
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pelsvae_cadence.validate.catalog.kills",
            str(folder),
            str(n_kills),
            str(seed),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def make_small_catalogue(path: Path, seed: int) -> Generated:
    """Make a catalogue of twelve stars and half a year, in six partitions.

    Parameters
    ----------
    path : Path
        The catalogue to make, or to replace.
    seed : int
        Seed of the stars.

    Returns
    -------
    Generated
        What was made.
    """
    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.catalog.generation import generate_catalog
    from pelsvae_cadence.catalog.sites import DrawnStars

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


def _kill_all(folder: Path, n_kills: int, seed: int) -> dict[str, Any]:
    from pelsvae_cadence.catalog.reader import Catalog
    from pelsvae_cadence.catalog.validation import validate_catalog

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
    return {**counts, "left_over": left_over, "seconds": duration}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_kill_all(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))) + "\n")
