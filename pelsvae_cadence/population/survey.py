"""Populations of variable stars as a survey meets them: physics, place, dust and magnitude.

Physics comes from the source model's reference stars, jointly and with the metallicities of the
stellar population that a star belongs to; places from `pelsvae_cadence.population.galaxy`; dust from
`pelsvae_cadence.population.dust`. A star depends on (seed, star_id) alone: the first thousand of a population
of a million are the population of a thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.classes import parse_star_class
from pelsvae_cadence.core.arrays import StructOfArrays, column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import TrueEBV, true_ebv
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.model.reference_stars import GROUPS
from pelsvae_cadence.photometry.magnitudes import at_magnitude, mean_magnitudes
from pelsvae_cadence.population.crowding import crowded_region
from pelsvae_cadence.population.dust import reddening
from pelsvae_cadence.population.galaxy import (
    COMPONENTS,
    Places,
    choose_components,
    component_weights,
    draw_places,
)
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["HALO_RRAB", "MODES", "DrawnPopulation", "Mode", "draw_population", "halo_features", "metallicity"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Mode = Literal["magnitude-limited", "volume", "fixed-magnitude"]

#: How stars are selected.
MODES: Final[tuple[Mode, ...]] = ("magnitude-limited", "volume", "fixed-magnitude")

# Mean and scatter of [Fe/H] per component. RR Lyrae stars: on the scale of Jurcsik (1995), that of
# the reference stars. Bulge: Pietrukowicz et al. 2012 (ApJ 750, 169); Clouds: Haschke et al. 2012
# (AJ 144, 88); halo and thick disc: means of -1.5 and -1.3 on the scale of Zinn & West, turned by
# [Fe/H]_J95 = 1.431 [Fe/H]_ZW + 0.880 (Papadakis et al. 2000, ApJ 533, L113), scatter unturned:
# stretched, it would reach beyond the reference stars.
_FEH_RR_LYRAE: Final = {
    "young-disc": (-0.5, 0.4),
    "thin-disc": (-0.5, 0.4),
    "thick-disc": (-0.98, 0.40),
    "bulge": (-1.02, 0.25),
    "halo": (-1.27, 0.35),
    "LMC": (-1.22, 0.26),
    "SMC": (-1.42, 0.33),
}
#: Log density of halo RRab stars in period, temperature and amplitude over that of the reference
#: stars, which come from the bulge and the LMC: coefficients of `halo_features`. Learned from 101
#: stars of Stripe 82 by `pelsvae_cadence.training.validate.population.halo_preference`.
HALO_RRAB: Final = (0.39, -0.40, -0.05, 0.17, -0.25, 0.98, -0.25, -0.03, 0.56)
# Young and intermediate stars: Luck & Lambert 2011 (AJ 142, 136) for the disc, Romaniello et al.
# 2008 (A&A 488, 731) for the Clouds; old ones: the components' means (estimates).
_FEH_YOUNG: Final = {
    "young-disc": (0.05, 0.15),
    "thin-disc": (-0.1, 0.2),
    "thick-disc": (-0.6, 0.3),
    "bulge": (0.0, 0.4),
    "halo": (-1.5, 0.35),
    "LMC": (-0.33, 0.13),
    "SMC": (-0.75, 0.10),
}
_FEH_OLD: Final = {
    "young-disc": (-1.0, 0.5),
    "thin-disc": (-1.0, 0.5),
    "thick-disc": (-1.2, 0.5),
    "bulge": (-1.0, 0.5),
    "halo": (-1.5, 0.5),
    "LMC": (-1.5, 0.5),
    "SMC": (-1.7, 0.5),
}

_CHUNK: Final = 4096  # candidates drawn at a time; results do not depend on it
_MOST_CANDIDATES: Final = 20_000_000


@dataclass(frozen=True, kw_only=True)
class DrawnPopulation(StructOfArrays):
    """Stars of a population.

    Parameters
    ----------
    stars : Stars
        N stars with positions, distance moduli, E(B-V), metallicities and shapes.
    component : ndarray of str, shape (N,)
        Component of the spatial model each belongs to.
    region : ndarray of str, shape (N,)
        Crowded region each lies in, or ``""``: see `pelsvae_cadence.population.crowding.crowded_region`.
    magnitude : ndarray of float64, shape (N,)
        Intensity-mean apparent magnitude in `band`, dust included.
    band : str
        Band of the selection.
    candidates : int
        Stars drawn before the selection; N over it is the selected share.
    options : dict
        What was asked for.
    """

    stars: Stars
    component: npt.NDArray[np.str_]
    region: npt.NDArray[np.str_]
    magnitude: FloatArray
    band: str
    candidates: int
    options: dict[str, Any]

    @property
    def crowded(self) -> npt.NDArray[np.bool_]:
        """Whether noise of isolated stars is too optimistic for a star."""
        return np.asarray(self.region != "")


def metallicity(star_class: str, component: str) -> tuple[float, float]:
    """Give the metallicity distribution of a class in a component.

    Parameters
    ----------
    star_class : str
        Class or alias.
    component : str
        One of `pelsvae_cadence.population.galaxy.COMPONENTS`.

    Returns
    -------
    mean, sigma : float
        Of [Fe/H] in dex; for RR Lyrae stars on the scale of Jurcsik (1995).
    """
    name, _ = parse_star_class(star_class)
    if component not in COMPONENTS:
        raise InputError(f"unknown component {component!r}", allowed=", ".join(COMPONENTS))
    if name == "RRLYR":
        return _FEH_RR_LYRAE[component]
    return (_FEH_OLD if name in ("ACEP", "T2CEP") else _FEH_YOUNG)[component]


def _halo_preference(group: int, rows: FloatArray) -> FloatArray:
    """Give the log weights that turn reference stars into those of the halo."""
    if GROUPS[group] != ("RRLYR", "RRab"):
        return np.zeros(len(rows))
    # Summed as written: a matrix product rounds differently for other N.
    terms = halo_features(rows[:, 0], rows[:, 1], rows[:, 3])
    return np.asarray(sum(c * terms[:, k] for k, c in enumerate(HALO_RRAB)))


def halo_features(log_period: FloatArray, log_teff: FloatArray, log_amplitude: FloatArray) -> FloatArray:
    """Give the terms of the halo's density ratio.

    Parameters
    ----------
    log_period, log_teff, log_amplitude : ndarray, shape (N,)
        log10 of period [d], effective temperature [K] and I amplitude [mag].

    Returns
    -------
    ndarray of float64, shape (N, 9)
        x, y, x^2, xy, y^2, z, z^2, xz, yz with x = (log P + 0.24) / 0.06, y = (log A + 0.28) / 0.15
        and z = (log Teff - 3.81) / 0.015.
    """
    x, y = (log_period + 0.24) / 0.06, (log_amplitude + 0.28) / 0.15
    z = (log_teff - 3.81) / 0.015
    return np.stack([x, y, x * x, x * y, y * y, z, z * z, x * z, y * z], axis=1)


def _class_mix(star_class: str | Mapping[str, float]) -> dict[str, float]:
    mix = {star_class: 1.0} if isinstance(star_class, str) else dict(star_class)
    if not mix or any(not np.isfinite(w) or w <= 0 for w in mix.values()):
        raise InputError(f"star_class = {star_class!r}", allowed="a class, or classes with shares > 0")
    for name in mix:
        parse_star_class(name)
    total = sum(mix.values())
    return {name: weight / total for name, weight in mix.items()}


def draw_population(
    model: LightCurveModel,
    star_class: str | Mapping[str, float],
    *,
    n: int,
    seed: int = 0,
    where: str = "galaxy",
    mode: Mode = "magnitude-limited",
    band: str = "r",
    magnitude_range: tuple[float, float] = (16.0, 24.0),
    magnitude: float = 20.0,
    max_distance: float = 10.0,
    dec_range: tuple[float, float] = (-90.0, 90.0),
    ebv: float | TrueEBV | None = None,
    first_id: int = 0,
    on_progress: Callable[[int], None] | None = None,
) -> DrawnPopulation:
    """Draw a population of variable stars.

    Parameters
    ----------
    model : LightCurveModel
        The source model.
    star_class : str or mapping of str to float
        Class, subtype or alias, or several with their shares among the candidates.
    n : int
        Stars wanted.
    seed : int
        Seed of every draw.
    where : str
        Spatial model, out of `pelsvae_cadence.population.galaxy.SPATIAL_MODELS`.
    mode : {"magnitude-limited", "volume", "fixed-magnitude"}
        Keep stars whose mean magnitude lies in `magnitude_range`; keep stars nearer than
        `max_distance`; or keep all and move each along its line of sight to `magnitude`, behind
        the dust of its first place.
    band : str
        Band of magnitudes, out of `pelsvae_cadence.bands.BANDS`.
    magnitude_range : tuple of float
        Brightest and faintest mean apparent magnitude (AB, dust included).
    magnitude : float
        Mean apparent magnitude of the mode ``"fixed-magnitude"``.
    max_distance : float
        Largest distance in kpc of the mode ``"volume"``.
    dec_range : tuple of float
        Declinations in degrees that are kept, in every mode.
    ebv : float or TrueEBV, optional
        True E(B-V) of all stars instead of the map's; 0 takes the dust away.
    first_id : int
        Number of the first candidate; candidates are numbered from it, and keep their numbers.
    on_progress : callable, optional
        Called with the number of stars found so far.

    Returns
    -------
    DrawnPopulation
        The stars, in the order of their numbers.

    Raises
    ------
    InputError
        If an argument is out of range, or the selection keeps too few of its candidates.
    """
    mix = _class_mix(star_class)
    _check(n, mode, band, magnitude_range, max_distance, dec_range)
    for name in mix:
        component_weights(name, where)
        model.ranges(name)
    fixed_ebv = None
    if ebv is not None:
        fixed_ebv = float(column("ebv", np.atleast_1d(true_ebv(ebv)), 1, unit="mag")[0])
    random = KeyedRandom(seed=seed)
    kept: list[tuple[Stars, npt.NDArray[np.str_]]] = []
    found, start = 0, 0
    while found < n:
        if start >= _MOST_CANDIDATES or (start >= 500 * _CHUNK and found * 10_000 < start):
            raise InputError(
                f"only {found} of {start} candidates pass the selection ({n} wanted)",
                remedy="Widen the magnitudes, the distance or the declinations, or choose another "
                "spatial model.",
            )
        ids = first_id + np.arange(start, start + _CHUNK)
        candidates, component = _candidates(model, mix, where, ids, random, fixed_ebv)
        good = (candidates.dec >= dec_range[0]) & (candidates.dec <= dec_range[1])
        if mode == "magnitude-limited":
            mean = mean_magnitudes(candidates, (band,))[:, 0]
            good &= (mean >= magnitude_range[0]) & (mean <= magnitude_range[1])
        elif mode == "volume":
            good &= candidates.distance_modulus <= 5.0 * np.log10(max_distance) + 10.0
        rows = np.flatnonzero(good)[: n - found]
        kept.append((candidates.take(rows), component[rows]))
        found += len(rows)
        start += int(rows[-1]) + 1 if found == n and len(rows) else _CHUNK
        if on_progress is not None:
            on_progress(found)
    stars = Stars.concatenate([part for part, _ in kept])
    stars = _with_shapes(model, stars, seed)
    if mode == "fixed-magnitude":
        stars = at_magnitude(stars, band, magnitude)
    return DrawnPopulation(
        stars=stars,
        component=np.concatenate([names for _, names in kept]),
        region=crowded_region(stars.ra, stars.dec),
        magnitude=mean_magnitudes(stars, (band,))[:, 0],
        band=band,
        candidates=start,
        options={
            "star_class": mix,
            "n": n,
            "seed": seed,
            "where": where,
            "mode": mode,
            "band": band,
            "magnitude_range": list(magnitude_range),
            "magnitude": magnitude,
            "max_distance_kpc": max_distance,
            "dec_range": list(dec_range),
            "ebv": fixed_ebv,
            "first_id": first_id,
            "model": model.name,
        },
    )


def _check(
    n: int,
    mode: str,
    band: str,
    magnitude_range: tuple[float, float],
    max_distance: float,
    dec_range: tuple[float, float],
) -> None:
    if isinstance(n, bool) or int(n) != n or n < 1:
        raise InputError(f"n = {n!r} is not a number of stars", allowed="1 or more")
    if mode not in MODES:
        raise InputError(f"unknown mode {mode!r}", allowed=", ".join(MODES))
    if band not in BANDS:
        raise InputError(f"unknown band {band!r}", allowed=", ".join(BANDS))
    for name, pair, low, high in (
        ("magnitude_range", magnitude_range, 0.0, 40.0),
        ("dec_range", dec_range, -90.0, 90.0),
    ):
        if len(pair) != 2 or not low <= pair[0] < pair[1] <= high:
            raise InputError(f"{name} = {pair!r}", allowed=f"{low:g} <= first < second <= {high:g}")
    if not 0.0 < max_distance <= 1000.0:
        raise InputError(f"max_distance = {max_distance!r} kpc", allowed="above 0, to 1000 kpc")


def _candidates(
    model: LightCurveModel,
    mix: Mapping[str, float],
    where: str,
    ids: IntArray,
    random: KeyedRandom,
    ebv: float | None,
) -> tuple[Stars, npt.NDArray[np.str_]]:
    """Draw class, component, physics, place and dust; epochs and shapes come later."""
    names = np.array(list(mix))
    edges = np.cumsum(list(mix.values()))[:-1]
    wanted = names[np.searchsorted(edges, random.uniform("class of the mix", ids), side="right")]
    component = np.empty(ids.size, dtype="U10")
    group = np.empty(ids.size, dtype=np.int64)
    rows = np.empty((ids.size, 4))
    feh = np.empty(ids.size)
    for name in mix:
        mine = np.flatnonzero(wanted == name)
        component[mine] = choose_components(name, where, ids[mine], random)
        groups = model.population.groups(*parse_star_class(name))
        for part in sorted(set(component[mine].tolist())):
            here = mine[component[mine] == part]
            mean, sigma = metallicity(name, part)
            group[here], rows[here], feh[here] = model.population.draw(
                groups,
                np.full((here.size, 4), np.nan),
                ids[here],
                random,
                metallicity=(mean, sigma),
                preference=_halo_preference if part == "halo" else None,
            )
            unknown = here[np.isnan(feh[here])]
            feh[unknown] = mean + sigma * random.normal("metallicity", ids[unknown])
    places: Places = draw_places(component, ids, random)
    if ebv is None:
        dust = reddening(places.ra, places.dec, places.distance).value
    else:
        dust = np.full(ids.size, ebv)
    stars = Stars(
        star_id=ids,
        star_class=np.array([GROUPS[g][0] for g in group.tolist()]),
        subtype=np.array([GROUPS[g][1] for g in group.tolist()]),
        period=10.0 ** rows[:, 0],
        teff=10.0 ** rows[:, 1],
        abs_mag_g=rows[:, 2],
        amplitude_i=10.0 ** rows[:, 3],
        epoch=np.zeros(ids.size),
        ra=places.ra,
        dec=places.dec,
        distance_modulus=places.distance_modulus,
        ebv=dust,
        feh=feh,
    )
    return stars, component


def _with_shapes(model: LightCurveModel, stars: Stars, seed: int) -> Stars:
    """Draw epoch and shape given the physics, subtype by subtype."""
    epoch = np.empty(len(stars))
    latent: FloatArray | None = None
    pairs = list(zip(stars.star_class.tolist(), stars.subtype.tolist(), strict=True))
    for name, kind in sorted(set(pairs)):
        mine = np.flatnonzero([pair == (name, kind) for pair in pairs])
        drawn = model.sample(
            name,
            subtype=kind,
            period=stars.period[mine],
            teff=stars.teff[mine],
            abs_mag_g=stars.abs_mag_g[mine],
            amplitude_i=stars.amplitude_i[mine],
            seed=seed,
            star_id=stars.star_id[mine],
        )
        epoch[mine] = drawn.epoch
        if drawn.latent is not None:
            latent = np.empty((len(stars), drawn.latent.shape[1])) if latent is None else latent
            latent[mine] = drawn.latent
    return replace(stars, epoch=epoch, latent=latent)
