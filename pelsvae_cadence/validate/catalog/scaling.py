"""Cost of a catalogue: processor time, memory and bytes against the number of stars.

``python -m pelsvae_cadence.validate.catalog.scaling N`` makes a catalogue of about N stars in a process of its own
and prints what that took, as JSON.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from pelsvae_cadence.validate.memory import peak_memory

__all__ = ["measure_cost"]

#: Stars that share a place in the sky.
STARS_PER_SITE: Final = 20


def measure_cost(n_stars: int, seed: int = 0) -> dict[str, float]:
    """Make a catalogue in a process of its own and measure it.

    Parameters
    ----------
    n_stars : int
        Number of stars; rounded to whole sites of twenty.
    seed : int
        Seed of the stars.

    Returns
    -------
    dict of str to float
        ``n_stars``, ``n_points``, ``bytes``, ``cpu`` (processor time in s without loading the
        program), ``writing`` (the part of it that workers cannot share), ``wall`` (s), ``rss`` (peak
        memory in bytes of the whole process).
    """
    done = subprocess.run(
        [sys.executable, "-m", "pelsvae_cadence.validate.catalog.scaling", str(n_stars), str(seed)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    cost: dict[str, float] = json.loads(done.stdout)
    return cost


def _make(n_stars: int, seed: int) -> dict[str, Any]:
    import healpy
    import numpy as np

    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.catalog.generation import generate_catalog
    from pelsvae_cadence.catalog.sites import DrawnStars
    from pelsvae_cadence.model.source import LightCurveModel

    n_sites = max(1, math.ceil(n_stars / STARS_PER_SITE))
    ra, dec = healpy.pix2ang(128, np.arange(healpy.nside2npix(128)), lonlat=True)
    wide = np.flatnonzero((dec > -50.0) & (dec < -5.0) & (np.abs(ra - 20.0) < 60.0))
    chosen = wide[np.linspace(0, wide.size - 1, n_sites).astype(int)]
    source = DrawnStars(
        ra=ra[chosen], dec=dec[chosen], star_classes=("RRab",), stars_per_class=STARS_PER_SITE
    )
    survey = SyntheticSurvey(preset="lsst-v3", seed=1)
    survey.at(20.0, -30.0)
    LightCurveModel.load()
    with tempfile.TemporaryDirectory(dir=os.environ.get("PELSVAE_SCRATCH")) as folder:
        cpu, wall = time.process_time(), time.monotonic()
        made = generate_catalog(Path(folder) / "c.h5", survey, source, seed=seed)
        return {
            "n_stars": made.n_stars,
            "n_points": made.n_points,
            "bytes": made.size,
            "cpu": time.process_time() - cpu,
            "writing": made.writing,
            "wall": time.monotonic() - wall,
            "rss": peak_memory(),
        }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_make(int(sys.argv[1]), int(sys.argv[2]))) + "\n")
