"""From multi-band fluxes to one joint series per star: weights, centring, band scales.

The joint ("flat") series lets one periodogram serve all bands. On simulated LSST and ZTF sources
it finds as many periods as the sum of the single-band periodograms at a fifth of the cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import band_filter
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.photometry.noise import error_model

__all__ = ["JointSeries", "credible_errors", "error_at_mean_flux", "joint_series", "usable_points"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Errors far below those of a band are not precision but mistakes: a tenth of the points at most, each
# below a thirtieth of all the others (3.7 mag deeper). The least error is a share of what varies.
_FEW: Final = 0.1
_ABSURD: Final = 1.0 / 30.0
_LEAST_ERROR: Final = 1e-4
_LARGEST_FLUX: Final = 1e17  # nJy, magnitude -11: what is brighter is a placeholder
_SCALE_RANGE: Final = (0.2, 2.0)
# Days between points that see a star in the same state: bands observed together, repeats of a
# deep field. LSST's pairs are half an hour apart and count as two moments.
_ONE_MOMENT: Final = 0.005
# Newton's steps towards the star's own scatter, and the reduced chi-squared that is close enough to one.
_STEPS: Final = 60
_CLOSE: Final = 1e-3


@dataclass(frozen=True, kw_only=True)
class JointSeries:
    """One star's usable points, centred per band and scaled to one amplitude.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Times in days, MJD (TAI), sorted as given.
    value, error : ndarray of float64, shape (n,)
        Relative flux minus its band mean, and its error, both divided by the band's scale.
    band : ndarray of int64, shape (n,)
        Index of each point's band, 0 to n_bands - 1, in the order of the bands present.
    scales : ndarray of float64, shape (n_bands,)
        The scales.
    n_excluded : int
        Points left out: saturated, or with a flux or error that is not finite or not positive.
    shared : float
        The part of the errors' variance that the points of a moment have in common.
    """

    time: FloatArray
    value: FloatArray
    error: FloatArray
    band: IntArray
    scales: FloatArray
    n_excluded: int
    shared: float = 0.0

    @property
    def n_bands(self) -> int:
        """Number of bands present."""
        return int(self.scales.size)

    @property
    def n_moments(self) -> int:
        """Number of moments of observation: points within seven minutes share one.

        A run of points without a longer gap has one for every seven minutes that it lasts.
        """
        time = np.sort(self.time)
        first = np.flatnonzero(np.diff(time, prepend=-np.inf) > _ONE_MOMENT)
        last = np.append(first[1:], time.size) - 1
        return int((1.0 + np.floor((time[last] - time[first]) / _ONE_MOMENT)).sum())

    @property
    def n_independent(self) -> float:
        """Number of points without errors in common that would be worth as much as these.

        Kish (1965, Survey Sampling, section 5.4): n / (1 + (n/m - 1) rho) for m moments, whose points have
        the share rho of their variance in common.
        """
        correlation = float((self.shared / self.error**2).mean())
        return self.time.size / (1.0 + (self.time.size / self.n_moments - 1.0) * correlation)

    def with_model_error(self, fraction: float) -> JointSeries:
        """Allow for a model that is not exact.

        A shape shared by all bands misses what differs between them, and a strictly periodic model
        misses modulation. Where photometry is much better than that, a few points of one band
        would decide; an error common to all points makes them equals.

        Parameters
        ----------
        fraction : float
            Error of the model in units of the standard deviation of the variation.

        Returns
        -------
        JointSeries
            The same points with larger errors, centred anew.
        """
        weight = self.error**-2.0
        variance = max(self.chi2 - self.time.size, 0.0) / weight.sum()
        error = np.sqrt(self.error**2 + fraction**2 * variance)
        mean = _band_means(self.value, error**-2.0, self.band, self.n_bands)
        return replace(self, value=self.value - mean[self.band], error=error, shared=fraction**2 * variance)

    def with_own_scatter(self) -> JointSeries:
        r"""Add to the errors what the star scatters beyond them.

        One variance :math:`s^2` serves all points, since bands are scaled to one amplitude. It is the root of

        .. math:: \sum_i \frac{(y_i - \bar y_{b(i)})^2}{e_i^2 + s^2} = n - n_{\rm bands}

        (Paule & Mandel 1982, J. Res. Natl. Bur. Stand. 87, 377), and zero where the errors suffice.

        Returns
        -------
        JointSeries
            The same points with these errors, centred anew.
        """
        freedom = max(self.time.size - self.n_bands, 1)

        def centred(extra: float) -> tuple[FloatArray, FloatArray, float]:
            error = np.sqrt(self.error**2 + extra)
            value = self.value - _band_means(self.value, error**-2.0, self.band, self.n_bands)[self.band]
            return value, error, float(((value / error) ** 2).sum()) / freedom

        # Newton's steps on 1 / chi-squared, which is concave in the variance: they never overshoot.
        extra = 0.0
        value, error, reduced = centred(extra)
        for _ in range(_STEPS):
            if reduced <= 1.0 + _CLOSE:
                break
            slope = float((value**2 / error**4).sum()) / freedom
            extra += reduced * (reduced - 1.0) / slope
            value, error, reduced = centred(extra)
        return replace(self, value=value, error=error)

    @property
    def chi2(self) -> float:
        """Chi-squared of the constant model (one constant a band)."""
        return float(((self.value / self.error) ** 2).sum())


def credible_errors(flux: FloatArray, flux_err: FloatArray, band: IntArray) -> FloatArray:
    """Mend errors so small that single points would decide the period.

    In each band, errors below a thirtieth of the others become the band's median, if they are no more
    than a tenth of the points (two telescopes of different size in one band keep theirs). No error is
    below 1e-4 of the band's standard deviation, or 1e-6 of its mean flux.

    Parameters
    ----------
    flux, flux_err : ndarray of float64, shape (n,)
        Fluxes and their errors, finite and above zero.
    band : ndarray of int64, shape (n,)
        Index of each point's band, 0 to n_bands - 1.

    Returns
    -------
    ndarray of float64, shape (n,)
        The errors; the same ones where all are credible.
    """
    error = flux_err.copy()
    for code in range(int(band.max(initial=-1)) + 1):
        mine = np.flatnonzero(band == code)
        own = flux_err[mine]
        usual = np.sort(own)[int(np.ceil(_FEW * (own.size - 1)))]
        error[mine[own < _ABSURD * usual]] = np.median(own)
        least = max(_LEAST_ERROR * flux[mine].std(), 1e-2 * _LEAST_ERROR * abs(flux[mine].mean()))
        error[mine] = np.maximum(error[mine], least)
    return error


def error_at_mean_flux(
    flux: npt.ArrayLike,
    flux_err: npt.ArrayLike,
    mean_flux: npt.ArrayLike,
    gamma: npt.ArrayLike,
    floor: npt.ArrayLike,
) -> FloatArray:
    r"""Rebuild the error a point would have at the star's mean flux.

    Weights that follow the flux correlate with the signal and bias the mean. With
    :math:`F_5` the flux at five-sigma depth, eqs. 4-5 of Ivezic et al. (2019, ApJ 873, 111) give

    .. math:: \sigma^2 = \gamma F_5^2 + (0.04-\gamma) F_5 F + \sigma_{sys}^2 F^2 ,

    which is solved for :math:`F_5` and evaluated at the mean flux. Where the errors are smaller
    than the model allows (another instrument) they are kept as they are.

    Parameters
    ----------
    flux, flux_err : array_like, shape (n,)
        Measured fluxes and their errors, in any unit.
    mean_flux : array_like, shape (n,) or scalar
        The star's mean flux in the band of each point, in the same unit.
    gamma : array_like, shape (n,) or scalar
        Sky-noise parameter of the band (`pelsvae_cadence.photometry.noise.GAMMA`).
    floor : array_like, shape (n,) or scalar
        Systematic error as a fraction of the flux.

    Returns
    -------
    ndarray of float64, shape (n,)
        Errors in the unit of the flux.
    """
    f = np.maximum(np.asarray(flux, dtype=np.float64), 0.0)
    mean = np.maximum(np.asarray(mean_flux, dtype=np.float64), 0.0)
    error = np.asarray(flux_err, dtype=np.float64)
    sys2 = np.asarray(floor, dtype=np.float64) ** 2
    sky = np.asarray(gamma, dtype=np.float64)
    linear = (0.04 - sky) * f
    rest = error**2 - sys2 * f**2
    known = rest > 0
    root = np.sqrt(linear**2 + 4.0 * sky * np.where(known, rest, 0.0))
    f5 = (root - linear) / (2.0 * sky)
    at_mean = np.sqrt(sky * f5**2 + (0.04 - sky) * f5 * mean + sys2 * mean**2)
    return np.asarray(np.where(known & (f5 > 0), at_mean, error))


def _band_means(value: FloatArray, weight: FloatArray, band: IntArray, n_bands: int) -> FloatArray:
    total = np.bincount(band, weights=weight * value, minlength=n_bands)
    mean: FloatArray = total / np.bincount(band, weights=weight, minlength=n_bands)
    return mean


def _band_scales(value: FloatArray, error: FloatArray, band: IntArray, typical: FloatArray) -> FloatArray:
    """Estimate relative amplitudes from the excess variance, or fall back to the defaults."""
    n_bands = typical.size
    count = np.bincount(band, minlength=n_bands)
    mean = np.bincount(band, weights=value, minlength=n_bands) / count
    squares = np.bincount(band, weights=(value - mean[band]) ** 2, minlength=n_bands)
    noise = np.bincount(band, weights=error**2, minlength=n_bands) / count
    free = np.maximum(count - 1, 1)
    excess = squares / free - noise
    significant = (count > 1) & (excess > 3.0 * np.sqrt(2.0 / free) * noise)
    scales = typical
    if significant.any():
        size = np.sqrt(np.maximum(excess, 0.0))
        scales = np.where(significant, size / size[significant].max(), scales)
    return np.asarray(np.clip(scales, *_SCALE_RANGE), dtype=np.float64)


def usable_points(
    light_curves: LightCurves, i: int
) -> tuple[FloatArray, FloatArray, FloatArray, npt.NDArray[np.str_], int]:
    """Give the points of a star that count: not saturated, with a time, a flux and a positive error.

    Parameters
    ----------
    light_curves : LightCurves
        Light curves of N stars.
    i : int
        Which of them.

    Returns
    -------
    time, flux, error : ndarray of float64, shape (n,)
        Times [d], fluxes and errors, in the order of the light curve.
    band : ndarray of str, shape (n,)
        Their bands.
    n_excluded : int
        Points left out.
    """
    rows = light_curves.rows(i)
    flux, error = light_curves.flux[rows], light_curves.flux_err[rows]
    with np.errstate(invalid="ignore"):
        usable = (np.abs(flux) < _LARGEST_FLUX) & (error < _LARGEST_FLUX) & (error > 0)
    usable &= np.isfinite(light_curves.mjd[rows]) & ~light_curves.saturated[rows]
    return (
        light_curves.mjd[rows][usable],
        flux[usable],
        error[usable],
        light_curves.band[rows][usable],
        int(np.count_nonzero(~usable)),
    )


def joint_series(light_curves: LightCurves, i: int) -> JointSeries:
    """Prepare one star for the search.

    Errors that are absurdly small are mended (`credible_errors`). Non-detections stay: their forced
    fluxes carry the information that the star was faint.
    """
    time, flux, error, band_names, n_excluded = usable_points(light_curves, i)
    names, band = np.unique(band_names, return_inverse=True)
    n_bands = names.size
    if flux.size == 0:
        empty = np.empty(0)
        return JointSeries(
            time=empty,
            value=empty,
            error=empty,
            band=np.empty(0, np.int64),
            scales=empty,
            n_excluded=n_excluded,
        )

    # The mean for the error model is unweighted: it must not depend on the errors it mends.
    plain = np.bincount(band, weights=flux, minlength=n_bands) / np.bincount(band)
    error = credible_errors(flux, error, band)
    total = light_curves.flux_kind == "total"
    if total:
        gamma, floor = error_model(names.tolist())
        error = error_at_mean_flux(flux, error, plain[band], gamma[band], floor[band])
    weight = error**-2.0
    mean = _band_means(flux, weight, band, n_bands)
    # In a band too faint to have a mean, three sigma of the mean stands in: dividing by noise
    # would blow the band up, and in relative flux it has little weight either way.
    mean_error = np.bincount(band, weights=weight, minlength=n_bands) ** -0.5
    unit = np.maximum(mean, 3.0 * mean_error)
    if not total:  # a difference flux is no measure of how bright the star is: one unit for all bands
        unit = np.full(n_bands, np.std(flux - mean[band]) or 1.0)
    value = (flux - mean[band]) / unit[band]
    error = error / unit[band]
    typical = np.array([band_filter(name).amplitude for name in names.tolist()])
    scales = _band_scales(value, error, band, typical)
    return JointSeries(
        time=time,
        value=value / scales[band],
        error=error / scales[band],
        band=band.astype(np.int64),
        scales=scales,
        n_excluded=n_excluded,
    )
