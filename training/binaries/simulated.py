"""Rows of simulated binaries: from systems and their light curves to the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import SUBTYPES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.binaries.roche_orbits import roche_orbit
from pelsvae_cadence.training.binaries.spheres import compute_orbits, orbit_shape, read_orbits, sphere_orbit
from pelsvae_cadence.training.binaries.stellar_models import combined_light
from pelsvae_cadence.training.binaries.systems import sample_systems
from pelsvae_cadence.training.labels.physical import LabelFlag
from pelsvae_cadence.training.open_set.table import N_HARMONICS

__all__ = ["FULLY_LISTED", "MIN_AMPLITUDE", "N_SYSTEMS", "binary_rows", "compute_binaries", "make_rows"]

#: Simulated systems asked for per class.
N_SYSTEMS: Final = {"ECL": 2000, "ELL": 600}
#: Smallest amplitude [mag] of a simulated binary that OGLE would list.
MIN_AMPLITUDE: Final = {"ECL": 0.04, "ELL": 0.008}
#: Eclipsing binaries of smaller amplitude [mag] are listed in proportion to it, down to a fifth.
FULLY_LISTED: Final = 0.35


def make_rows(curve: PhaseCurve, **columns: Any) -> dict[str, npt.NDArray[Any]]:
    """Make a block of rows of the table.

    Parameters
    ----------
    curve : PhaseCurve
        N standard shapes; the coefficients are padded with zeros.
    **columns : array_like or scalar
        The other columns; scalars are repeated.

    Returns
    -------
    dict of ndarray
        One array per column.
    """
    n = len(curve)
    padded = {}
    for name in ("cos", "sin"):
        array = np.zeros((n, N_HARMONICS), dtype=np.float32)
        array[:, : curve.n_harmonics] = getattr(curve, name)
        padded[name] = array
    block = {name: np.broadcast_to(np.asarray(value), (n,)) for name, value in columns.items()}
    return {**block, **padded}


def _binary_subtype(family: str, curve: PhaseCurve) -> str:
    """EW for contact binaries, EA where light is nearly constant outside eclipses, else EB.

    Nearly constant: within 0.15 of the amplitude of maximum light for more than 0.60 of the cycle,
    which parts the OGLE-II stars classified as EA (95 % above) from EB (three quarters below).
    """
    if family == "contact":
        return "EW"
    value = curve.evaluate(np.arange(512) / 512)[0]
    bright = float(np.mean(value - value.min() < 0.15))
    return "EA" if bright > 0.60 else "EB"


def binary_rows(
    binary_class: str, checkpoint: Path | None, *, seed: int, only_spheres: bool = False
) -> tuple[dict[str, Any], dict[str, float]]:
    """Make the rows of one class of binaries.

    Parameters
    ----------
    binary_class : {"ECL", "ELL"}
        The class.
    checkpoint : path or None
        Finished Roche systems of `compute_binaries`.
    seed : int
        Seed of the systems.
    only_spheres : bool
        Use spherical stars for every system.

    Returns
    -------
    rows : dict of ndarray
        One array per column of the table.
    counts : dict
        Systems used and left out, per reason, and percentiles of the truncation error.

    Raises
    ------
    InputError
        If no system has a light curve.
    """
    systems = sample_systems(binary_class, N_SYSTEMS[binary_class], seed=seed)
    orbits = read_orbits(checkpoint, systems) if checkpoint is not None else {}
    counts = {"roche": 0, "spheres": 0, "no surface": 0, "not computed": 0, "too small": 0, "not listed": 0}
    listed = KeyedRandom(seed=seed).uniform("binary:listed", systems.number)
    needed = np.zeros(len(systems), bool) if only_spheres else ~systems.spherical
    open_rows = np.flatnonzero(needed & ~np.isin(np.arange(len(systems)), list(orbits)))
    if open_rows.size:
        # Systems come in mixed order, so what is before the first gap is a fair sample.
        counts["not computed"] = len(systems) - int(open_rows[0])
        systems = systems.take(np.arange(open_rows[0]))
    phase = np.arange(1024) / 1024
    kept, curves, amplitudes, truncations, names = [], [], [], [], []
    for row in range(len(systems)):
        number = int(systems.number[row])
        if only_spheres or (systems.spherical[row] and row not in orbits):
            made = orbit_shape(phase, sphere_orbit(systems, row, phase), N_HARMONICS)
            kind = "spheres"
        elif orbits[row][0].size == 0:
            counts["no surface"] += 1
            continue
        else:
            made = orbit_shape(*orbits[row], N_HARMONICS)
            kind = "roche"
        if made[1] < MIN_AMPLITUDE[binary_class]:
            counts["too small"] += 1
            continue
        if binary_class == "ECL" and listed[row] > max(made[1] / FULLY_LISTED, 0.2):
            counts["not listed"] += 1
            continue
        counts[kind] += 1
        kept.append(row)
        curves.append(made[0])
        amplitudes.append(made[1])
        truncations.append(made[2])
        names.append(f"{kind.upper()}-{binary_class}-{number:06d}")
    if not kept:
        raise InputError(f"no {binary_class} system was computed", remedy="Compute the orbits first.")
    summary: dict[str, float] = dict(counts)
    summary |= {f"truncation_{p}": float(np.percentile(truncations, p)) for p in (50, 95)}
    systems = systems.take(kept)
    light = combined_light(systems.radius_1, systems.teff_1, systems.radius_2, systems.teff_2)
    curve = PhaseCurve.concatenate(curves)
    if binary_class == "ECL":
        subtype = [_binary_subtype(f, c) for f, c in zip(systems.family, curves, strict=True)]
    else:
        subtype = list(SUBTYPES["ELL"]) * len(kept)
    rows = make_rows(
        curve,
        star=np.array(names),
        star_class=binary_class,
        subtype=np.array(subtype),
        galaxy="SIM",
        provenance="simulated",
        period=systems.period,
        amplitude_i=np.array(amplitudes),
        feh=np.nan,
        n_fourier=N_HARMONICS,
        flags=int(LabelFlag.SIMULATED | LabelFlag.COMBINED_LIGHT),
        **light,
    )
    return rows, summary


def compute_binaries(checkpoint: Path, *, seed: int = 20) -> int:
    """Compute the light curves of all simulated binaries that have none yet.

    Parameters
    ----------
    checkpoint : path
        File of finished systems; a run that was killed goes on from it.
    seed : int
        Seed of the systems.

    Returns
    -------
    int
        Number of systems computed now.
    """
    done = 0
    for binary_class in ("ELL", "ECL"):
        systems = sample_systems(binary_class, N_SYSTEMS[binary_class], seed=seed)
        done += compute_orbits(systems.take(~systems.spherical), checkpoint, runner=roche_orbit)
    return done
