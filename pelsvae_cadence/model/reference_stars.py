r"""Joint draws of the physical parameters of stars, free or with some of them fixed.

A compact table of real stars per class and subtype is the population; between its rows we
interpolate with a Gaussian kernel whose covariance is a fraction :math:`h^2` of that of the group
(a smoothed bootstrap; Silverman 1986, "Density Estimation", section 6.4). Fixing parameters
conditions that mixture exactly: rows are weighted by the kernel in the fixed parameters, and the
free ones follow the kernel's conditional Gaussian, so relations such as period-luminosity hold.

Class counts of a survey are selections of that survey: the mix of subtypes within a class is that
of the training stars, and between classes the user decides. Where the reference stars have
metallicities, the table can be re-weighted to the metallicity distribution of another stellar
population; periods, luminosities and amplitudes follow, since they are drawn jointly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import STAR_CLASSES, SUBTYPES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.stars import Stars

__all__ = [
    "GROUPS",
    "PARAMETERS",
    "Population",
    "class_index",
    "group_index",
    "physics_matrix",
    "valid_ranges",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Ranges = dict[str, tuple[float, float]]

#: Class and subtype, in the order of the networks' labels.
GROUPS: Final = tuple((name, subtype) for name in STAR_CLASSES for subtype in SUBTYPES[name])

#: Parameters that have a validity range, in the order of the table's columns.
PARAMETERS: Final = ("period", "teff", "abs_mag_g", "amplitude_i")
_LOGARITHMIC: Final = (True, True, False, True)

# Kernel width in units of a group's scatter. Wider blurs the edges of the instability strip,
# narrower repeats the table's stars.
_BANDWIDTH: Final = 0.25
# Kernel in [Fe/H], dex: the error of a photometric metallicity (Smolec 2005, AcA 55, 59: 0.18).
_FEH_BANDWIDTH: Final = 0.15
_CHUNK: Final = 1024  # stars at a time; bounds the memory of the kernel weights

# Validity: central 99.8 % of the training stars, widened by 5 % of that width (in log10 for all
# but the magnitude), so that one odd star does not set it and a borderline one is not refused.
_RANGE_TAIL: Final = 0.1
_RANGE_MARGIN: Final = 0.05


def class_index(star_class: npt.ArrayLike) -> IntArray:
    """Look up classes.

    Parameters
    ----------
    star_class : array_like of str, shape (N,)
        Classes.

    Returns
    -------
    ndarray of int64, shape (N,)
        Indices in `pelsvae_cadence.classes.STAR_CLASSES`.

    Raises
    ------
    InputError
        If a class is unknown.
    """
    names = np.asarray(star_class).tolist()
    unknown = sorted(set(names) - set(STAR_CLASSES))
    if unknown:
        raise InputError(f"unknown star class {unknown[0]!r}", allowed=", ".join(STAR_CLASSES))
    lookup = {name: i for i, name in enumerate(STAR_CLASSES)}
    return np.array([lookup[name] for name in names], dtype=np.int64)


def group_index(star_class: npt.ArrayLike, subtype: npt.ArrayLike) -> IntArray:
    """Look up groups.

    Parameters
    ----------
    star_class, subtype : array_like of str, shape (N,)
        Classes and subtypes.

    Returns
    -------
    ndarray of int64, shape (N,)
        Indices in `GROUPS`; -1 where the subtype is ``""``.
    """
    lookup = {pair: i for i, pair in enumerate(GROUPS)}
    pairs = zip(np.asarray(star_class).tolist(), np.asarray(subtype).tolist(), strict=True)
    return np.array([lookup.get(pair, -1) for pair in pairs], dtype=np.int64)


def physics_matrix(stars: Any) -> FloatArray:
    """Arrange the physical parameters of stars as the networks read them.

    Parameters
    ----------
    stars : Stars or a training table
        What has `PARAMETERS` as arrays of shape (N,).

    Returns
    -------
    ndarray of float64, shape (N, 4)
        The physics: log10 P/d, log10 Teff/K, M_G/mag, log10 A_I/mag, a star a row.
    """
    values = [np.asarray(getattr(stars, name), dtype=np.float64) for name in PARAMETERS]
    pairs = zip(values, _LOGARITHMIC, strict=True)
    return np.stack([np.log10(value) if log else value for value, log in pairs], axis=1)


def valid_ranges(physics: FloatArray) -> Ranges:
    """Derive validity ranges from training stars.

    Parameters
    ----------
    physics : ndarray, shape (N, 4)
        Their physics.

    Returns
    -------
    dict of str to (float, float)
        Per parameter the central 99.8 %, widened by 5 % of that width on either side (in log10
        for period, temperature and amplitude).
    """
    low, high = np.percentile(physics, [_RANGE_TAIL, 100.0 - _RANGE_TAIL], axis=0)
    margin = _RANGE_MARGIN * (high - low)
    bounds = np.stack([low - margin, high + margin], axis=1)
    return {
        name: tuple((10.0**pair if log else pair).tolist())
        for name, log, pair in zip(PARAMETERS, _LOGARITHMIC, bounds, strict=True)
    }


def _metallicity_weights(feh: FloatArray, wanted: tuple[float, float] | None) -> FloatArray:
    """Give log weights that turn the stars' [Fe/H] distribution into a normal one."""
    log = np.zeros(len(feh))
    known = np.isfinite(feh)
    if wanted is None or not known.any():
        return log
    mean, sigma = wanted
    if not (np.isfinite(mean) and sigma > 0.0):
        raise InputError(f"metallicity = {wanted!r}", allowed="(mean, standard deviation > 0) in dex")
    x = feh[known]
    step = (x[:, None] - x[None]) / _FEH_BANDWIDTH
    present = np.log(np.exp(-0.5 * step**2).mean(axis=1) / _FEH_BANDWIDTH)
    # The kernel widens what is there; the target is widened alike, so that a target equal to the
    # present distribution asks for no weights.
    width = np.hypot(sigma, _FEH_BANDWIDTH)
    ratio = -0.5 * ((x - mean) / width) ** 2 - np.log(width) - present
    log[known] = ratio - np.log(np.exp(ratio - ratio.max()).mean()) - ratio.max()
    return log


@dataclass(frozen=True)
class _Group:
    """The reference stars of one group, with their kernel."""

    rows: FloatArray  # (n, 4)
    feh: FloatArray  # (n,), NaN where unknown
    share: float  # of the training stars of all groups
    covariance: FloatArray  # (4, 4) of the kernel
    bounds: FloatArray  # (4, 2)


class Population:
    """Reference stars per class and subtype, and draws from their smoothed joint density.

    Parameters
    ----------
    rows : ndarray, shape (M, 5)
        Reference stars: log10 P, log10 Teff, M_G, log10 A, [Fe/H] (NaN where unknown).
    group : ndarray of int, shape (M,)
        Group of each, an index in `GROUPS`.
    counts : ndarray of int, shape (len(GROUPS),)
        Training stars per group; sets the mix of subtypes within a class.
    ranges : mapping
        Validity ranges by ``"CLASS"`` and ``"CLASS/subtype"``.
    """

    def __init__(
        self,
        rows: npt.NDArray[Any],
        group: npt.NDArray[Any],
        counts: npt.NDArray[Any],
        ranges: Mapping[str, Mapping[str, Sequence[float]]],
    ) -> None:
        self._ranges = {
            key: {name: (float(v[0]), float(v[1])) for name, v in value.items()}
            for key, value in ranges.items()
        }
        table = np.asarray(rows, dtype=np.float64)
        self._groups: dict[int, _Group] = {}
        for g in np.unique(np.asarray(group)).tolist():
            mine = table[np.asarray(group) == g]
            x = mine[:, :4]
            # A floor keeps the kernel regular where a parameter is the same for all stars.
            spread = np.cov(x.T) if len(x) > 1 else np.zeros((4, 4))
            covariance = _BANDWIDTH**2 * spread + np.diag([1e-8] * 4)
            bounds = np.array([self._ranges["/".join(GROUPS[g])][name] for name in PARAMETERS])
            for j, log in enumerate(_LOGARITHMIC):
                if log:
                    bounds[j] = np.log10(bounds[j])
            self._groups[g] = _Group(x, mine[:, 4], float(counts[g]), covariance, bounds)

    def groups(self, star_class: str, subtype: str | None = None) -> tuple[int, ...]:
        """List the groups of a class that have reference stars.

        Parameters
        ----------
        star_class : str
            One of the eight classes.
        subtype : str, optional
            Restrict to one subtype.

        Returns
        -------
        tuple of int
            Indices in `GROUPS`.

        Raises
        ------
        InputError
            If there are none.
        """
        found = tuple(
            g
            for g in sorted(self._groups)
            if GROUPS[g][0] == star_class and subtype in (None, "", GROUPS[g][1])
        )
        if not found:
            known = sorted({GROUPS[g][0] for g in self._groups})
            name = star_class if not subtype else f"{star_class} {subtype}"
            raise InputError(f"this model was not trained on {name} stars", allowed=", ".join(known))
        return found

    def reference(
        self, group: int, metallicity: tuple[float, float] | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Give the reference stars of a group.

        Parameters
        ----------
        group : int
            Index in `GROUPS`.
        metallicity : tuple of float, optional
            Mean and standard deviation of the [Fe/H] wanted: see `draw`.

        Returns
        -------
        rows : ndarray of float64, shape (n, 4)
            log10 P, log10 Teff, M_G, log10 A.
        weight : ndarray of float64, shape (n,)
            Weights with which they are drawn, 1 in the mean.
        """
        found = self._groups[group]
        return found.rows, np.exp(_metallicity_weights(found.feh, metallicity))

    def ranges(self, star_class: str, subtype: str | None = None) -> Ranges:
        """Give the validity ranges of a class or subtype.

        Parameters
        ----------
        star_class : str
            One of the eight classes.
        subtype : str, optional
            A subtype of it.

        Returns
        -------
        dict of str to (float, float)
            Ranges of period [d], teff [K], abs_mag_g [mag] and amplitude_i [mag].
        """
        self.groups(star_class, subtype)
        return dict(self._ranges[f"{star_class}/{subtype}" if subtype else star_class])

    def draw(
        self,
        groups: Sequence[int],
        fixed: FloatArray,
        star_id: IntArray,
        random: KeyedRandom,
        *,
        metallicity: tuple[float, float] | None = None,
        preference: Callable[[int, FloatArray], FloatArray] | None = None,
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        """Draw the parameters that are not fixed.

        Parameters
        ----------
        groups : sequence of int
            Groups to draw from, weighted by their share of the training stars.
        fixed : ndarray, shape (N, 4)
            log10 P, log10 Teff, M_G, log10 A; a column is either given for all stars or NaN for
            all stars.
        star_id : ndarray of int64, shape (N,)
            Addresses of the draws.
        random : KeyedRandom
            Source of the draws.
        metallicity : tuple of float, optional
            Mean and standard deviation in dex of the [Fe/H] wanted, on the scale of the reference
            stars. Groups without metallicities are drawn as they are.
        preference : callable, optional
            Gives the log weights, shape (n,), of the reference stars, shape (n, 4), of a group (an
            index in `GROUPS`). The mix of groups stays.

        Returns
        -------
        group : ndarray of int64, shape (N,)
            Group of each star.
        rows : ndarray of float64, shape (N, 4)
            All four parameters, the fixed ones as given.
        feh : ndarray of float64, shape (N,)
            [Fe/H] of the reference star behind the draw, NaN where it has none.
        """
        n = len(star_id)
        given = np.asarray(~np.isnan(fixed).any(axis=0), dtype=np.bool_)
        out_group = np.zeros(n, dtype=np.int64)
        out_rows = np.array(fixed, dtype=np.float64)
        out_feh = np.full(n, np.nan)
        u = random.uniform("population star", star_id)
        noise = random.normal("population kernel", np.asarray(star_id)[:, None], np.arange(4))
        wanted = {g: _metallicity_weights(self._groups[g].feh, metallicity) for g in groups}
        if preference is not None:
            for g in groups:
                log = wanted[g] + preference(g, self._groups[g].rows)
                wanted[g] = log - np.log(np.mean(np.exp(log - log.max()))) - log.max()
        for start in range(0, n, _CHUNK):
            part = slice(start, start + _CHUNK)
            chosen, which = self._choose(groups, fixed[part], given, u[part], wanted)
            for g in groups:
                here = np.flatnonzero(chosen == g) + start
                if len(here):
                    row = which[here - start]
                    out_group[here] = g
                    out_rows[here] = self._complete(g, row, fixed[here], given, noise[here])
                    out_feh[here] = self._groups[g].feh[row]
        return out_group, out_rows, out_feh

    def groups_of(self, stars: Stars, random: KeyedRandom) -> IntArray:
        """Look up the groups of stars; unknown subtypes are drawn given all the physics.

        Parameters
        ----------
        stars : Stars
            The stars.
        random : KeyedRandom
            Source of the draws.

        Returns
        -------
        ndarray of int64, shape (N,)
            Indices in `GROUPS`.
        """
        group, physics = group_index(stars.star_class, stars.subtype), physics_matrix(stars)
        for name in sorted(set(stars.star_class[group < 0].tolist())):
            mine = np.flatnonzero((group < 0) & (stars.star_class == name))
            group[mine], _, _ = self.draw(self.groups(name), physics[mine], stars.star_id[mine], random)
        return group

    def _choose(
        self,
        groups: Sequence[int],
        fixed: FloatArray,
        given: npt.NDArray[np.bool_],
        u: FloatArray,
        wanted: Mapping[int, FloatArray],
    ) -> tuple[IntArray, IntArray]:
        """Choose a reference star by kernel weight in the fixed parameters."""
        logs, owner, index = [], [], []
        if (fixed[:, given] == fixed[:1, given]).all():
            fixed = fixed[:1]  # the weights of one star are those of all
        for g in groups:
            group = self._groups[g]
            log = np.full((len(fixed), len(group.rows)), np.log(group.share / len(group.rows)))
            log += wanted[g]
            if given.any():
                root = np.linalg.cholesky(group.covariance[np.ix_(given, given)])
                inverse = np.linalg.inv(root)
                step = fixed[:, None, given] - group.rows[None][:, :, given]
                # Sums written out: a matrix product may round differently for other N.
                for i in range(len(inverse)):
                    z = sum(inverse[i, j] * step[:, :, j] for j in range(i + 1))
                    log -= 0.5 * z**2
                log -= np.log(np.diag(root)).sum()
                # A subtype is chosen only where it is valid, unless none is.
                low, high = group.bounds[given, 0] - 1e-9, group.bounds[given, 1] + 1e-9
                values = fixed[:, given]
                log[((values < low) | (values > high)).any(axis=1)] -= 1e6
            logs.append(log)
            owner.append(np.full(len(group.rows), g))
            index.append(np.arange(len(group.rows)))
        weight = np.concatenate(logs, axis=1)
        weight = np.exp(weight - weight.max(axis=1, keepdims=True))
        total = np.cumsum(weight, axis=1)
        pick = (total < u[:, None] * total[:, -1:]).sum(axis=1)
        pick = np.minimum(pick, weight.shape[1] - 1)
        return np.concatenate(owner)[pick], np.concatenate(index)[pick]

    def _complete(
        self, g: int, row: IntArray, fixed: FloatArray, given: npt.NDArray[np.bool_], noise: FloatArray
    ) -> FloatArray:
        """Draw the free parameters of one group from the kernel around the chosen stars."""
        group = self._groups[g]
        free = ~given
        centre = group.rows[row]
        result = np.where(given, fixed, centre)
        if not free.any():
            return result
        s = group.covariance
        conditional = s[np.ix_(free, free)]
        shift = np.zeros((len(row), int(free.sum())))
        if given.any():
            gain = s[np.ix_(free, given)] @ np.linalg.inv(s[np.ix_(given, given)])
            conditional = conditional - gain @ s[np.ix_(given, free)]
            step = fixed[:, given] - centre[:, given]
            for i in range(gain.shape[0]):
                shift[:, i] = sum(gain[i, j] * step[:, j] for j in range(gain.shape[1]))
        root = np.linalg.cholesky(conditional + 1e-10 * np.eye(len(conditional)))
        jitter = np.zeros_like(shift)
        drawn = noise[:, free]
        for i in range(len(root)):
            jitter[:, i] = sum(root[i, j] * drawn[:, j] for j in range(i + 1))
        low, high = group.bounds[free, 0], group.bounds[free, 1]
        # A draw beyond the validity range is pulled towards its reference star, which is inside;
        # what remains outside (the star given lies far from all others) ends at the border.
        for pull in (1.0, 0.5, 0.25, 0.0):
            value = centre[:, free] + shift + pull * jitter
            if pull == 1.0:
                answer = value
            outside = ((answer < low) | (answer > high)).any(axis=1)
            answer = np.where(outside[:, None], value, answer)
        result[:, free] = np.clip(answer, low, high)
        return result
