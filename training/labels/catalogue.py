"""Labels of the catalogue stars: colour, temperature, absolute magnitudes, metallicity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.labels.physical import (
    A_I,
    BULGE_R_I,
    DISTANCE_MODULUS,
    E_VI,
    LabelFlag,
    Relation,
    feh_from_phi31,
    fit_relation,
    g_minus_i,
    mira_teff,
    teff_from_v_i,
    wesenheit,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MIRA_BULGE_A_I", "MIRA_TEFF_SCATTER", "CatalogueRelations", "label_catalogue"]

#: Pivots in log P of the relations, near the median period of each subtype.
_PIVOT: Final = {
    ("ACEP", "F"): 0.0,
    ("ACEP", "1O"): 0.0,
    ("CEP", "F"): 0.5,
    ("CEP", "1O"): 0.3,
    ("DSCT", "DSCT"): -1.0,
    ("LPV", "Mira"): 2.5,
    ("RRLYR", "RRab"): -0.25,
    ("RRLYR", "RRc"): -0.5,
    ("T2CEP", "BLHer"): 0.3,
    ("T2CEP", "WVir"): 1.0,
    ("T2CEP", "RVTau"): 1.5,
}
#: Mean I extinction of the bulge Miras [mag] (Iwanek-type mean; their own colour says nothing).
MIRA_BULGE_A_I: Final = 1.5
#: Scatter of Mira temperatures about `mira_teff` [K]; engineering.
MIRA_TEFF_SCATTER: Final = 120.0
#: Part of the LMC colour scatter that belongs to the stars and not to the photometry; drawn where
#: a colour comes from the period. Engineering: half of the measured scatter, at least 0.02 mag.
_INTRINSIC_SHARE: Final = 0.5
#: Intrinsic colour scatter [mag] of stars so faint that the measured one is noise: delta Scuti
#: stars at I = 20. Their colours are shrunk towards the relation until they scatter by this much
#: (the width of the instability strip, about +-500 K; engineering).
_PHOTOMETRIC_SCATTER: Final = {("DSCT", "DSCT"): 0.06}


@dataclass(frozen=True, kw_only=True)
class CatalogueRelations:
    """Period relations of the LMC stars, per (class, subtype).

    Parameters
    ----------
    colour, abs_mag_i, abs_wesenheit : dict of Relation
        (V-I)0, M_I and absolute W_I against log P.
    """

    colour: dict[tuple[str, str], Relation]
    abs_mag_i: dict[tuple[str, str], Relation]
    abs_wesenheit: dict[tuple[str, str], Relation]


def fit_catalogue_relations(table: pd.DataFrame) -> CatalogueRelations:
    """Fit the period relations of the Large Magellanic Cloud.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `pelsvae_cadence.training.archives.ogle3.clean_catalogue`.

    Returns
    -------
    CatalogueRelations
        Relations of the subtypes with at least ten stars that have V and I.
    """
    colour, mag, wes = {}, {}, {}
    rows = table[table.galaxy == "LMC"]
    for key, pivot in _PIVOT.items():
        part = rows[(rows.star_class == key[0]) & (rows.subtype == key[1])]
        if int(part.v_mag.notna().sum()) < 10:
            continue
        x = np.log10(part.period.to_numpy())
        v_i = (part.v_mag - part.i_mag).to_numpy()
        i_mag = part.i_mag.to_numpy() - DISTANCE_MODULUS["LMC"]
        colour[key] = fit_relation(x, v_i - E_VI["LMC"], pivot=pivot)
        mag[key] = fit_relation(x, i_mag - A_I["LMC"], pivot=pivot)
        wes[key] = fit_relation(x, wesenheit(i_mag, v_i), pivot=pivot)
    return CatalogueRelations(colour=colour, abs_mag_i=mag, abs_wesenheit=wes)


def label_catalogue(
    table: pd.DataFrame, star_id: npt.NDArray[np.int64], *, seed: int
) -> tuple[pd.DataFrame, CatalogueRelations]:
    """Add physical labels to catalogue rows.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of `pelsvae_cadence.training.archives.ogle3.clean_catalogue`.
    star_id : ndarray of int64, shape (N,)
        Addresses of the draws.
    seed : int
        Seed of the draws.

    Returns
    -------
    table : pandas.DataFrame
        The rows with v_i0, teff, abs_mag_i, abs_mag_g, feh and flags (`LabelFlag` bits).
    relations : CatalogueRelations
        The LMC relations used for stars without a usable colour.
    """
    random = KeyedRandom(seed=seed)
    relations = fit_catalogue_relations(table)
    n = len(table)
    v_i0, abs_mag_i, teff = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    flags = np.zeros(n, dtype=np.int16)
    v_i = (table.v_mag - table.i_mag).to_numpy()
    i_mag, galaxy = table.i_mag.to_numpy(), table.galaxy.to_numpy()
    log_period = np.log10(table.period.to_numpy())
    noise_colour = random.normal("label:colour", star_id)
    noise_mag = random.normal("label:magnitude", star_id)
    noise_teff = random.normal("label:teff", star_id)
    for key, line in relations.colour.items():
        mine = ((table.star_class == key[0]) & (table.subtype == key[1])).to_numpy()
        intrinsic = max(_INTRINSIC_SHARE * line.scatter, 0.02)
        expected = line(log_period) + intrinsic * np.clip(noise_colour, -2.5, 2.5)
        pl = relations.abs_mag_i[key]
        for cloud in ("LMC", "SMC"):
            here = mine & (galaxy == cloud)
            own = v_i - E_VI[cloud]
            if key in _PHOTOMETRIC_SCATTER:
                shrink = min(_PHOTOMETRIC_SCATTER[key] / line.scatter, 1.0)
                own = line(log_period) + (own - line(log_period)) * shrink
            missing = here & ~np.isfinite(own)
            limit = 4.0 * _PHOTOMETRIC_SCATTER.get(key, line.scatter)
            wild = here & (np.abs(own - line(log_period)) > limit)
            v_i0[here] = np.where((missing | wild)[here], expected[here], own[here])
            flags[missing] |= LabelFlag.NO_V
            flags[wild] |= LabelFlag.COLOUR_OUTLIER
            abs_mag_i[here] = i_mag[here] - A_I[cloud] - DISTANCE_MODULUS[cloud]
        bulge = mine & (galaxy == "BLG")
        v_i0[bulge] = expected[bulge]
        flags[bulge] |= LabelFlag.BULGE_LAW
        reddened = np.full(n, MIRA_BULGE_A_I) if key[0] == "LPV" else BULGE_R_I * (v_i - expected)
        own_mag = i_mag - reddened - DISTANCE_MODULUS["BLG"]
        flags[bulge & ~np.isfinite(v_i)] |= LabelFlag.NO_V
        abs_mag_i[bulge] = own_mag[bulge]
        # Foreground and background stars and blends: more than 1 mag (Miras 3 mag) off the line.
        limit = 3.0 if key[0] == "LPV" else 1.0
        off = mine & ~(np.abs(abs_mag_i - pl(log_period)) <= limit)
        drawn = pl(log_period) + pl.scatter * np.clip(noise_mag, -2.5, 2.5)
        abs_mag_i[off] = drawn[off]
        flags[off] |= LabelFlag.BRIGHT_OUTLIER
        if key[0] == "LPV":
            flags[mine] |= LabelFlag.NO_COLOUR_RELATION
            draw = MIRA_TEFF_SCATTER * np.clip(noise_teff, -2.5, 2.5)
            teff[mine] = mira_teff(log_period[mine]) + draw[mine]
        else:
            teff[mine] = teff_from_v_i(np.clip(v_i0[mine], -0.38, 2.7))
    feh = feh_from_phi31(table.period.to_numpy(), table.phi31.to_numpy())
    feh[(table.subtype != "RRab").to_numpy()] = np.nan
    labelled = table.assign(
        v_i0=v_i0,
        teff=teff,
        abs_mag_i=abs_mag_i,
        abs_mag_g=abs_mag_i + g_minus_i(np.clip(v_i0, -0.45, 9.0)),
        feh=feh,
        flags=flags,
    )
    return labelled, relations
