"""Galactic stars with light curves of their own: Stripe 82 RR Lyrae and Hipparcos pulsators.

Their shapes are real but not in I (SDSS i; Hipparcos Hp, close to V): rows are `proxy-band`. Stars
of Hipparcos have no usable distance in the table they come from: their labels follow from the
period by the relations of the LMC stars.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.archives.splits import star_numbers
from pelsvae_cadence.training.binaries.observed import borrow_labels
from pelsvae_cadence.training.binaries.simulated import make_rows
from pelsvae_cadence.training.labels.catalogue import CatalogueRelations
from pelsvae_cadence.training.labels.physical import LabelFlag, g_minus_i, stripe82_labels, teff_from_v_i
from pelsvae_cadence.training.open_set.table import OpenSet
from pelsvae_cadence.training.shapes.completion import Completion
from pelsvae_cadence.training.shapes.donors import Donors, read_light_curves
from pelsvae_cadence.training.shapes.full_curves import fit_with_completion
from pelsvae_cadence.training.shapes.harmonics import fit_harmonics, from_complex, to_standard_shape

__all__ = ["HIPPARCOS_TYPES", "hipparcos_rows", "stripe82_rows"]

#: Type in the Hipparcos table -> (class, subtype, largest rms about the fit over the amplitude).
#: None: the subtype follows from the light curve. Double-mode stars and semiregular variables are
#: left out, as the paper leaves out their OGLE kin; Miras lend their shapes to OGLE stars.
HIPPARCOS_TYPES: Final[dict[str, tuple[str, str | None, float]]] = {
    "Classical Cepheid": ("CEP", None, 0.10),
    "Delta Scuti": ("DSCT", "DSCT", 0.20),
    "SX Phoenicis": ("DSCT", "DSCT", 0.20),
    "Population II Cepheid": ("T2CEP", None, 0.15),
    "RV Tauri": ("T2CEP", None, 0.15),
    "RR Lyrae, Fundamental Mode": ("RRLYR", "RRab", 0.10),
    "RR Lyrae, First Overtone": ("RRLYR", "RRc", 0.15),
}
#: Amplitude in Hp over that in I. A_V / A_I is 1.55 - 1.65 for these stars (Kurucz colours along
#: the pulsation cycle); Hp reaches further into the red than V. Engineering, good to a tenth.
_HP_OVER_I: Final = 1.5
#: Ellipsoidal variables change little with wavelength: gravity darkening, 5 %. Engineering.
_HP_OVER_I_ELL: Final = 1.05
#: First-overtone Cepheids: short periods, R21 below 0.25 (Soszynski et al. 2008, AcA 58, 163,
#: fig. 5, between 1.5 and 6 d).
_OVERTONE_PERIOD: Final = 6.0
_OVERTONE_R21: Final = 0.25
#: Longest periods [d] of BL Her and W Vir stars (Soszynski et al. 2008, AcA 58, 293).
_T2CEP_LIMITS: Final = (4.0, 20.0)
#: Periods [d] a subtype may have; outside, the machine-found period is an alias.
_PERIODS: Final = {"CEP": (0.8, 100.0), "DSCT": (0.03, 0.35), "RRLYR": (0.2, 1.0), "T2CEP": (1.0, 80.0)}
#: An ellipsoidal variable is used if its second harmonic stands out by this many errors.
_MIN_SIGNIFICANCE: Final = 8.0
_HARMONICS_ELL: Final = 3
#: Longest gap in phase: Hipparcos looked in bursts, and the fit would invent what it did not see.
_MAX_GAP: Final = 0.10


def stripe82_rows(donors: dict[str, Donors]) -> dict[str, Any]:
    """Make the rows of the Stripe 82 RR Lyrae: real shapes in i, labels from SDSS photometry."""
    blocks = []
    for subtype in ("RRab", "RRc"):
        fitted = donors[subtype]
        mine = np.flatnonzero((fitted.table.sdss_band == "i").to_numpy())
        stars = fitted.table.iloc[mine]
        labels = stripe82_labels(stars.gF, stars.iF, stars.zF, stars.d)
        shape = to_standard_shape(from_complex(fitted.curves.d[mine]), binary=False)
        blocks.append(
            make_rows(
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


def hipparcos_rows(
    folder: Path,
    completions: dict[str, Completion],
    relations: CatalogueRelations,
    ellipsoidal: OpenSet,
    *,
    seed: int,
) -> tuple[dict[str, Any], dict[str, int]]:
    """Make the rows of the Hipparcos pulsators and ellipsoidal variables.

    Parameters
    ----------
    folder : path
        The folder ``lightcurves``.
    completions : dict of Completion
        Of `pelsvae_cadence.training.shapes.donors.fit_donors`: the prior of the higher harmonics.
    relations : CatalogueRelations
        Colour and magnitude against period.
    ellipsoidal : OpenSet
        Simulated ellipsoidal variables, whose labels the real ones borrow
        (`borrow_labels`).
    seed : int
        Seed of the label scatter.

    Returns
    -------
    rows : dict of ndarray
        One array per column of the table.
    rejected : dict of str to int
        Stars not used, per class and reason.
    """
    stars, light = read_light_curves(folder, "hipparcos_ogle2")
    rejected: Counter[str] = Counter()
    found: list[dict[str, Any]] = []
    shapes: list[npt.NDArray[np.complex128]] = []
    columns = zip(stars.id.astype(str), stars.subtype, stars.period, light, strict=True)
    for name, kind, period, (time, mag, err, *_) in columns:
        if kind not in HIPPARCOS_TYPES:
            continue
        star_class, subtype, max_rms = HIPPARCOS_TYPES[kind]
        low, high = _PERIODS[star_class]
        if not low <= period <= high:
            rejected[f"{star_class}: period outside the class"] += 1
            continue
        prior = "RRab" if subtype == "RRab" else star_class
        prior = {"CEP": "CEP F", "RRLYR": "RRc"}.get(prior, prior)
        fit, reason = fit_with_completion(
            (time, mag, err),
            float(period),
            completions[prior],
            amplitude_scale=1.0 / _HP_OVER_I,
            max_gap=_MAX_GAP,
            max_rms=max_rms,
        )
        if fit is None:
            rejected[f"{star_class}: {reason}"] += 1
            continue
        if star_class == "CEP":
            overtone = period < _OVERTONE_PERIOD and abs(fit.d[1]) < _OVERTONE_R21
            subtype = "1O" if overtone else "F"
        elif star_class == "T2CEP":
            subtype = ("BLHer", "WVir", "RVTau")[int(np.searchsorted(_T2CEP_LIMITS, period))]
        shapes.append(fit.d)
        found.append(
            {
                "star": f"HIP-SET-{name}",
                "star_class": star_class,
                "subtype": subtype,
                "period": float(period),
                "amplitude_i": fit.amplitude,
                "n_fourier": fit.n_significant,
            }
        )
    names = [str(f["star"]) for f in found]
    labels = _labels_from_period(found, star_numbers(names), relations, seed=seed)
    pulsating = make_rows(
        to_standard_shape(from_complex(np.array(shapes)), binary=False),
        galaxy="MW",
        provenance="proxy-band",
        feh=np.nan,
        flags=int(LabelFlag.PROXY_LABEL | LabelFlag.NO_V),
        **{key: np.array([f[key] for f in found]) for key in found[0]},
        **labels,
    )
    tidal, tidal_rejected = _ellipsoidal_rows(stars, light, ellipsoidal)
    rejected.update(tidal_rejected)
    blocks = [pulsating] if tidal is None else [pulsating, tidal]
    rows = {key: np.concatenate([b[key] for b in blocks]) for key in pulsating}
    return rows, dict(sorted(rejected.items()))


def _labels_from_period(
    found: list[dict[str, Any]], number: npt.NDArray[np.int64], relations: CatalogueRelations, *, seed: int
) -> dict[str, FloatArray]:
    """Colour, temperature and magnitudes from the LMC relations, with their scatter."""
    random = KeyedRandom(seed=seed)
    noise_colour = np.clip(random.normal("label:colour", number), -2.5, 2.5)
    noise_mag = np.clip(random.normal("label:magnitude", number), -2.5, 2.5)
    colour, magnitude = np.empty(number.size), np.empty(number.size)
    for i, star in enumerate(found):
        key = (star["star_class"], star["subtype"])
        log_period = np.log10(star["period"])
        # Half of the measured colour scatter belongs to the stars, as for the catalogue's rows.
        line = relations.colour[key]
        colour[i] = line(log_period) + min(0.5 * line.scatter, 0.06) * noise_colour[i]
        line = relations.abs_mag_i[key]
        magnitude[i] = line(log_period) + line.scatter * noise_mag[i]
    return {
        "v_i0": colour,
        "teff": teff_from_v_i(np.clip(colour, -0.38, 2.7)),
        "abs_mag_i": magnitude,
        "abs_mag_g": magnitude + g_minus_i(np.clip(colour, -0.45, 9.0)),
    }


def _ellipsoidal_rows(
    stars: Any, light: list[tuple[FloatArray, ...]], simulated: OpenSet
) -> tuple[dict[str, Any] | None, dict[str, int]]:
    """Rows of the ellipsoidal variables that stand out of the noise of Hipparcos."""
    names, periods, amplitudes, curves = [], [], [], []
    rejected: Counter[str] = Counter()
    for i in np.flatnonzero((stars.cls == "ELL").to_numpy()):
        time, mag, err, *_ = light[i]
        period = float(stars.period.iloc[i])
        c, rms, kept = fit_harmonics(time, mag, err, period, 2 * _HARMONICS_ELL)
        # The machine finds the strongest wave, half the orbit: an orbital fold has an even second
        # harmonic that is larger than the first.
        if abs(c[0]) > abs(c[1]):
            period *= 2.0
            c, rms, kept = fit_harmonics(time, mag, err, period, 2 * _HARMONICS_ELL)
        phase = np.sort((time[kept] / period) % 1.0)
        if np.diff(phase, append=phase[0] + 1.0).max() > _MAX_GAP:
            rejected["ELL: gap in phase"] += 1
            continue
        error = rms * np.sqrt(2.0 / kept.sum())
        if abs(c[1]) < _MIN_SIGNIFICANCE * error or abs(c[1]) < abs(c[0]):
            rejected["ELL: lost in the noise of Hipparcos"] += 1
            continue
        c = np.where(np.abs(c) > 3.0 * error, c, 0.0)
        curve = from_complex(c[None])
        curves.append(to_standard_shape(curve, binary=True))
        amplitudes.append(float(np.ptp(curve.evaluate(np.arange(512) / 512))))
        names.append(f"HIP-SET-{stars.id.iloc[i]}")
        periods.append(period)
    if not names:
        return None, dict(rejected)
    curve = PhaseCurve.concatenate(curves)
    amplitude = np.array(amplitudes) / _HP_OVER_I_ELL
    rows = make_rows(
        curve,
        star=np.array(names),
        star_class="ELL",
        subtype="ELL",
        galaxy="MW",
        provenance="proxy-band",
        period=np.array(periods),
        amplitude_i=amplitude,
        feh=np.nan,
        n_fourier=_HARMONICS_ELL,
        flags=int(LabelFlag.PROXY_LABEL | LabelFlag.COMBINED_LIGHT),
        **borrow_labels(curve, np.array(periods), amplitude, simulated),
    )
    return rows, dict(rejected)
