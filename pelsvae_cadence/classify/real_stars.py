"""The transfer to real stars: classifiers trained on simulated stars, asked about real ones.

The real stars are OGLE Cepheids and eclipsing binaries in one band and RR Lyrae stars of Stripe 82
in five, sampled at the visits of the Rubin baseline. Beside them stand simulated stars of the same
classes under the same visits; the difference is the price of the simulation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.synthetic import SyntheticSurvey
from pelsvae_cadence.cadence.tables import read_survey
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.classify.extraction import extract
from pelsvae_cadence.classify.labelled import ClassMix, observe_mix
from pelsvae_cadence.classify.survey_classifier import SurveyClassifier, train_on_survey
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.noise import DETECTION_SNR, flux_error, flux_to_mag, mag_to_flux
from pelsvae_cadence.periods import search
from pelsvae_cadence.periods.real_stars import cepheids_at_the_lmc, lmc_visits
from pelsvae_cadence.randomness import KeyedRandom

__all__ = ["Transfer", "binaries_at", "rr_lyrae_at", "transfer_to_real_stars"]

FloatArray = npt.NDArray[np.float64]

_LMC: Final = (80.0, -69.0)
_WIDE: Final = (200.0, -25.0)
_FIVE_BANDS: Final = ("u", "g", "r", "i", "z")
# Extinction of Stripe 82 in u g r i z over that in r (Sesar et al. 2010; checked on the light
# curves themselves).
_SDSS_EXTINCTION: Final = (1.873, 1.377, 1.0, 0.758, 0.537)
# Missing values of the Stripe 82 table.
_FAINTEST: Final = 30.0
_LARGEST_ERROR: Final = 1.0
#: Mean magnitude at which binaries and RR Lyrae stars are put: their own noise stays below LSST's.
_MAGNITUDE: Final = 20.0
_LEAST_POINTS: Final = 60
_LEAST_IN_BAND: Final = 20


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What became of one kind of real star.

    Parameters
    ----------
    name : str
        The stars and what they were observed in.
    label : str
        Their class.
    n_stars, n_simulated : int
        Real and simulated stars.
    recall, simulated : float
        Fraction of them that was given their class.
    predicted : dict of str to int
        What the real stars were taken for.
    """

    name: str
    label: str
    n_stars: int
    n_simulated: int
    recall: float
    simulated: float
    predicted: dict[str, int]

    @property
    def gap(self) -> float:
        """Recall of real less that of simulated stars."""
        return self.recall - self.simulated

    @property
    def error(self) -> float:
        """Standard error of the recall of the real stars."""
        p = self.recall
        return float(np.sqrt(max(p * (1.0 - p), 1.0 / self.n_stars) / self.n_stars))


def _read(data: Path, name: str) -> tuple[dict[str, npt.NDArray[Any]], Any]:
    import pandas as pd

    folder = data / "lightcurves"
    points, table = folder / f"{name}.npz", folder / f"{name}_stars.parquet"
    for file in (points, table):
        if not file.is_file():
            raise InputError(
                f"{file.name} is not in {folder}",
                remedy="Give the folder that holds lightcurves/ and cadence/ (PELSVAE_DATA).",
            )
    with np.load(points, allow_pickle=False) as archive:
        return dict(archive), pd.read_parquet(table)


def _measured(
    star_id: int, visits: Visits, mag_true: FloatArray, random: KeyedRandom
) -> LightCurves:
    """Observe a star of known magnitudes at visits."""
    flux_true = mag_to_flux(mag_true)
    flux_err = flux_error(flux_true, visits.m5, visits.band)
    noise = random.normal("real stars at visits", star_id, visits.visit_id)
    flux = flux_true + flux_err * noise
    detected = flux > DETECTION_SNR * flux_err
    mag_err = np.full(flux.size, np.nan)
    mag_err[detected] = 2.5 * np.log10(1.0 + flux_err[detected] / flux[detected])
    n = len(visits)
    return LightCurves(
        star_id=np.array([star_id]), offsets=np.array([0, n]), mjd=visits.mjd, band=visits.band,
        visit_id=visits.visit_id, mag_true=mag_true, mag=np.where(detected, flux_to_mag(flux), np.nan),
        mag_err=mag_err, flux=flux, flux_err=flux_err, detected=detected,
        saturated=np.zeros(n, dtype=bool),
    )  # fmt: skip


def binaries_at(data: Path, visits: Visits, n: int | None = None, *, seed: int = 0) -> LightCurves:
    """Observe eclipsing binaries of OGLE-II at the visits of a survey.

    Each visit takes the real I-band point nearest in phase, its noise included, with the mean
    moved to 20 mag, and adds the noise of the visit. Phases are those of twice the machine-found
    period, which is right whether that is the orbital period or half of it.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    visits : Visits
        The visits; I stands for all of their bands.
    n : int, optional
        Number of stars, drawn at random; all with 60 points or more by default.
    seed : int
        Seed of choice and noise.

    Returns
    -------
    LightCurves
        The light curves.

    Raises
    ------
    InputError
        If the files are missing.

    References
    ----------
    Debosscher et al. 2007, A&A 475, 1159; Udalski et al. 2008, Acta Astron. 58, 69 (OGLE).
    """
    points, table = _read(data, "hipparcos_ogle2")
    usable = (table["cls"] == "ECL") & table["band"].str.endswith("I")
    usable &= (table["n_points"] >= _LEAST_POINTS) & table["period_archive"].notna()
    rows = table[usable]
    random = KeyedRandom(seed=seed)
    order = random.generator("OGLE-II binaries", 0).permutation(len(rows))[:n]
    rows = rows.iloc[np.sort(order)]
    parts = []
    for row, period in zip(rows["row"].tolist(), rows["period_archive"].tolist(), strict=True):
        some = slice(int(points["offsets"][row]), int(points["offsets"][row + 1]))
        mag = points["mag"][some].astype(np.float64)
        phase = (points["t"][some] / (2.0 * period)) % 1.0
        wanted = (visits.mjd / (2.0 * period)) % 1.0
        nearest = _nearest(phase, wanted)
        shifted = mag[nearest] - np.median(mag) + _MAGNITUDE
        parts.append(_measured(int(row), visits, shifted, random))
    return LightCurves.concatenate(parts)


def _nearest(phase: FloatArray, wanted: FloatArray) -> npt.NDArray[np.intp]:
    """Find the point nearest in phase, across the wrap."""
    order = np.argsort(phase, kind="stable")
    around = np.concatenate([phase[order[-1:]] - 1.0, phase[order], phase[order[:1]] + 1.0])
    index = np.concatenate([order[-1:], order, order[:1]])
    right = np.clip(np.searchsorted(around, wanted), 1, around.size - 1)
    left_is_nearer = wanted - around[right - 1] < around[right] - wanted
    return np.asarray(index[np.where(left_is_nearer, right - 1, right)])


def rr_lyrae_at(data: Path, visits: Visits, n: int | None = None, *, seed: int = 0) -> LightCurves:
    """Observe RR Lyrae stars of Stripe 82 at the u g r i z visits of a survey.

    In each band the magnitudes are interpolated in phase between the star's own SDSS points,
    freed of extinction, and moved by one amount in all bands to a mean r of 20.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    visits : Visits
        Visits in u, g, r, i, z; SDSS bands stand for the LSST bands of the same letter.
    n : int, optional
        Number of stars, drawn at random; all with 20 points in each band by default.
    seed : int
        Seed of choice and noise.

    Returns
    -------
    LightCurves
        The light curves.

    Raises
    ------
    InputError
        If the files are missing, or visits are in other bands.

    References
    ----------
    Sesar et al. 2010, ApJ 708, 717.
    """
    if not set(visits.bands) <= set(_FIVE_BANDS):
        raise InputError(f"visits in {', '.join(visits.bands)}", allowed=", ".join(_FIVE_BANDS))
    points, table = _read(data, "sdss_s82_rrlyr_ugriz")
    random = KeyedRandom(seed=seed)
    parts: list[LightCurves] = []
    for k in random.generator("Stripe 82 RR Lyrae", 0).permutation(len(table)).tolist():
        if n is not None and len(parts) == n:
            break
        star = table.iloc[k]
        some = slice(int(points["offsets"][star["row"]]), int(points["offsets"][star["row"] + 1]))
        mag, band = points["mag"][some].astype(np.float64), points["band"][some]
        good = (mag < _FAINTEST) & (points["err"][some] < _LARGEST_ERROR)
        if np.bincount(band[good], minlength=5).min() < _LEAST_IN_BAND:
            continue
        phase = (points["t"][some] / star["period"]) % 1.0
        # A point without a value must not become one by accident.
        mag_true = np.full(len(visits), np.nan)
        for b, name in enumerate(_FIVE_BANDS):
            here, mine = visits.band == name, good & (band == b)
            wanted = (visits.mjd[here] / star["period"]) % 1.0
            mag_true[here] = np.interp(wanted, *_sorted(phase[mine], mag[mine]), period=1.0)
            mag_true[here] -= star["rExt"] * _SDSS_EXTINCTION[b]
        r_mean = np.mean(mag[good & (band == 2)]) - star["rExt"]
        parts.append(_measured(int(star["row"]), visits, mag_true - r_mean + _MAGNITUDE, random))
    return LightCurves.concatenate(parts)


def _sorted(phase: FloatArray, mag: FloatArray) -> tuple[FloatArray, FloatArray]:
    order = np.argsort(phase, kind="stable")
    return phase[order], mag[order]


def _recall(
    classifier: SurveyClassifier, position: tuple[float, float], light_curves: LightCurves
) -> npt.NDArray[np.str_]:
    found = search(light_curves)
    mix = classifier.mix
    features = extract(light_curves, found, bands=mix.bands, groups=mix.groups)
    return classifier.at(*position).predict(features)


def transfer_to_real_stars(
    data: Path,
    n: int = 100,
    *,
    seed: int = 0,
    n_positions: int = 12,
    stars_per_class: int = 12,
    checkpoint_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Transfer, ...]:
    """Classify real stars with classifiers trained on simulated ones.

    Parameters
    ----------
    data : Path
        Folder of the real data (``lightcurves/`` and ``cadence/``).
    n : int
        Real stars of each kind, and simulated stars of the same class beside them.
    seed : int
        Seed of everything.
    n_positions, stars_per_class : int
        Training positions in a synthetic LSST, and stars of each of the eight classes there.
    checkpoint_dir : Path, optional
        Folder that keeps the training stars.
    progress : callable, optional
        Called with (training positions done, in all).

    Returns
    -------
    tuple of Transfer
        Cepheids and binaries in i alone, RR Lyrae stars in u g r i z and in g r i alone.

    Raises
    ------
    InputError
        If files are missing.
    """
    survey = read_survey(data / "cadence" / "baseline_v3.0_10yrs_12points.db")
    training = SyntheticSurvey(preset="lsst-v3", seed=seed)
    band_sets: dict[str, tuple[str, ...]] = {
        "i": ("i",), "ugriz": _FIVE_BANDS, "gri": ("g", "r", "i"),
    }  # fmt: skip
    classifiers: dict[str, SurveyClassifier] = {}
    done = 0
    for key, bands in band_sets.items():
        mix = ClassMix(
            stars_per_class=stars_per_class,
            magnitude_range=(18.0, 22.0),
            reference_band="i",
            bands=bands,
            seed=seed,
        )

        def step(finished: int, _: int, before: int = done) -> None:
            if progress is not None:
                progress(before + finished, len(band_sets) * n_positions)

        folder = None if checkpoint_dir is None else checkpoint_dir / key
        (classifiers[key],) = train_on_survey(
            training, n_positions=n_positions, mix=mix, checkpoint_dir=folder, progress=step
        )
        done += n_positions
    one_band = lmc_visits(data)
    wide = survey.at(*_WIDE)
    five = wide.take(np.isin(wide.band, _FIVE_BANDS))
    three = wide.take(np.isin(wide.band, ("g", "r", "i")))
    rr_lyrae = rr_lyrae_at(data, five, n, seed=seed)
    cases = (
        (
            "OGLE-III Cepheids of the LMC, i",
            "CEP",
            "i",
            _LMC,
            one_band,
            cepheids_at_the_lmc(data, one_band, n, seed=seed).light_curves,
        ),
        ("OGLE-II binaries, i", "ECL", "i", _LMC, one_band, binaries_at(data, one_band, n, seed=seed)),
        ("Stripe 82 RR Lyrae, u g r i z", "RRLYR", "ugriz", _WIDE, five, rr_lyrae),
        ("Stripe 82 RR Lyrae, g r i", "RRLYR", "gri", _WIDE, three,
         rr_lyrae_at(data, three, n, seed=seed)),
    )  # fmt: skip
    results = []
    for name, label, key, position, visits, light_curves in cases:
        classifier = classifiers[key]
        predicted = _recall(classifier, position, light_curves)
        simulated = _simulated(classifier, label, position, visits, n)
        kinds, counts = np.unique(predicted, return_counts=True)
        results.append(
            Transfer(
                name=name,
                label=label,
                n_stars=predicted.size,
                n_simulated=simulated.size,
                recall=float(np.mean(predicted == label)),
                simulated=float(np.mean(simulated == label)),
                predicted=dict(zip(kinds.tolist(), counts.tolist(), strict=True)),
            )
        )
    return tuple(results)


def _simulated(
    classifier: SurveyClassifier,
    label: str,
    position: tuple[float, float],
    visits: Visits,
    n: int,
) -> npt.NDArray[np.str_]:
    from dataclasses import replace

    from pelsvae_cadence.source import LightCurveModel

    mix = replace(classifier.mix, classes=(label,), stars_per_class=n, magnitude_range=(20.0, 20.0))
    stars = observe_mix(mix, visits, *position, model=LightCurveModel.load())
    return classifier.at(*position).predict(stars.features)
