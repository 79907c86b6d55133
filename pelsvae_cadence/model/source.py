"""The learned source model: from physical parameters to stars and their phase curves."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import STAR_CLASSES, is_binary, parse_star_class
from pelsvae_cadence.core.arrays import column, common_length
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve, with_phase_zero
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.tables.containers import whole_number
from pelsvae_cadence.core.tables.sky_positions import ra_dec
from pelsvae_cadence.model.decoder import HarmonicDecoder, ModelConfig
from pelsvae_cadence.model.encoder_points import encoder_points
from pelsvae_cadence.model.extrapolation import (
    UNITS,
    Extrapolate,
    ExtrapolationWarning,
    in_range,
    stars_in_range,
)
from pelsvae_cadence.model.latent.conditions import MAP_KINDS
from pelsvae_cadence.model.latent.draws import LatentDraws
from pelsvae_cadence.model.latent.mapping import LatentMapping, read_map
from pelsvae_cadence.model.reference_stars import GROUPS, PARAMETERS, Population, class_index, physics_matrix
from pelsvae_cadence.model.weights import Weights, load_weights
from pelsvae_cadence.stars import REFERENCE_EPOCH, Stars

if TYPE_CHECKING:
    from pelsvae_cadence.model.sequence.shapes import SequenceShapes
    from pelsvae_cadence.model.vae import HarmonicVAE

__all__ = ["Extrapolate", "ExtrapolationWarning", "LightCurveModel"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class LightCurveModel:
    """A trained source model.

    Use `load`; the constructor takes weights that are already in memory.

    Parameters
    ----------
    weights : Weights
        Tensors and card.

    Attributes
    ----------
    name : str
        Name of the model.
    card : dict
        Training data, seed, scores, ranges, licence: see `pelsvae_cadence.model.weights`.
    hash : str
        SHA-256 of the tensors, recorded in catalogues.
    n_harmonics, n_latent : int
        Harmonics of the phase curves; latent dimensions.
    classes : tuple of str
        Classes the model was trained on.

    Examples
    --------
    >>> model = LightCurveModel.load()
    >>> stars = model.sample("RRab", n=3, period=0.55, seed=1)
    >>> curves = model.phase_curve(stars)
    >>> curves.evaluate([0.0, 0.3, 0.6]).shape
    (3, 3)
    """

    def __init__(self, weights: Weights) -> None:
        card, sizes = weights.card, weights.card["hyperparameters"]
        if card["architecture"] not in ("harmonic", "sequence") or sizes["latent_map"] not in MAP_KINDS:
            raise InputError(
                f"weights {weights.name!r} hold a {card['architecture']!r} model with a "
                f"{sizes['latent_map']!r} map",
                allowed=f"'harmonic' or 'sequence' with {', '.join(MAP_KINDS)}",
            )
        if tuple(card["classes"]) != STAR_CLASSES or card["groups"] != ["/".join(g) for g in GROUPS]:
            raise InputError(f"weights {weights.name!r} use another order of classes or subtypes")
        self.name, self.card, self.hash = weights.name, card, weights.hash
        self._weights = weights
        self._network: HarmonicVAE | SequenceShapes | None = None
        self._decoder: Callable[[FloatArray, FloatArray, IntArray], FloatArray]
        self.n_harmonics: int = card["n_harmonics"]
        self.n_latent: int = card["n_latent"]
        if card["architecture"] == "harmonic":
            self._decoder = HarmonicDecoder(weights, ModelConfig(**sizes["vae"]))
        else:
            from pelsvae_cadence.model.networks import SequenceDecoder

            self._decoder = SequenceDecoder(self.network)
        self._map: LatentDraws = read_map(weights, sizes["latent_map"], "map.")
        self._population = Population(
            weights.tensors["population.rows"],
            weights.tensors["population.group"],
            weights.tensors["population.counts"],
            card["ranges"],
        )
        self.classes: tuple[str, ...] = tuple(c for c in STAR_CLASSES if c in card["ranges"])

    @classmethod
    def load(
        cls, name_or_path: str | Path = "default", *, mapping: LatentMapping | str | Path | None = None
    ) -> LightCurveModel:
        """Load a model that comes with the package, or one of one's own.

        Parameters
        ----------
        name_or_path : str or Path
            ``"default"`` (the ``"harmonic"`` model), another name out of
            `pelsvae_cadence.model.weights.list_weights`, or a path.
        mapping : LatentMapping, str or Path, optional
            See `with_mapping`.

        Returns
        -------
        LightCurveModel
            The model, on the CPU.

        Raises
        ------
        InputError
            If the weights are unknown, damaged or too new, or the mapping is another model's.
        """
        model = cls(load_weights(name_or_path))
        return model if mapping is None else model.with_mapping(mapping)

    def with_mapping(self, mapping: LatentMapping | str | Path) -> LightCurveModel:
        """Replace the map from physical parameters to the latent space.

        Parameters
        ----------
        mapping : LatentMapping, str or Path
            A mapping of period, teff and abs_mag_g, or some of them, fitted on this model.

        Returns
        -------
        LightCurveModel
            The same networks and population with the other map. Its name and hash say so.

        Raises
        ------
        InputError
            If the mapping was fitted on another model, lacks a subtype, or needs parameters that
            `sample` does not draw; for those see `LatentMapping.draw`.
        """
        chosen = mapping if isinstance(mapping, LatentMapping) else LatentMapping.load(mapping)
        chosen.check(self.hash)
        extra = chosen.module.config.extra
        if extra:
            raise InputError(
                f"mapping {chosen.name!r} needs {', '.join(extra)} of every star",
                remedy="Draw the stars first, then their shapes: mapping.draw(stars, ...).",
            )
        lacking = sorted({g for g in self.card["ranges"] if "/" in g} - set(chosen.card["ranges"]))
        if lacking:
            raise InputError(f"mapping {chosen.name!r} was not fitted on {', '.join(lacking)}")
        other = copy.copy(self)
        other._map = chosen.module
        other.name = f"{self.name}+{chosen.name}"
        other.hash = hashlib.sha256(f"{self.hash} {chosen.hash}".encode()).hexdigest()
        return other

    @property
    def network(self) -> HarmonicVAE | SequenceShapes:
        """The encoder and decoder as torch modules, for fits of further mappings; not to be changed."""
        if self._network is None:
            from pelsvae_cadence.model.networks import read_network

            self._network = read_network(self._weights)
        return self._network

    def __repr__(self) -> str:
        return (
            f"<LightCurveModel {self.name!r}: {', '.join(self.classes)}; "
            f"{self.n_harmonics} harmonics, {self.n_latent} latent dimensions>"
        )

    @property
    def population(self) -> Population:
        """The reference stars that parameters are drawn from."""
        return self._population

    def ranges(self, star_class: str, subtype: str | None = None) -> dict[str, tuple[float, float]]:
        """Give the parameters for which the model is valid.

        Parameters
        ----------
        star_class : str
            Class or alias (``"RRLYR"``, ``"RRab"``, ``"Mira"``).
        subtype : str, optional
            Subtype of the class.

        Returns
        -------
        dict of str to (float, float)
            Range of ``period`` [d], ``teff`` [K], ``abs_mag_g`` [mag] and ``amplitude_i`` [mag]:
            the central 99.8 % of the training stars of a subtype and a margin of 5 %; for a class
            the hull of its subtypes.

        Raises
        ------
        InputError
            If the class is unknown or the model was not trained on it.
        """
        return self._population.ranges(*parse_star_class(star_class, subtype))

    def sample(
        self,
        star_class: str,
        *,
        n: int | None = None,
        subtype: str | None = None,
        period: Any = None,
        teff: Any = None,
        abs_mag_g: Any = None,
        amplitude_i: Any = None,
        seed: int = 0,
        star_id: npt.ArrayLike | None = None,
        ra: Any = 0.0,
        dec: Any = None,
        distance_modulus: Any = 0.0,
        ebv: Any = 0.0,
        extrapolate: Extrapolate = "error",
    ) -> Stars:
        """Draw stars of one class.

        Parameters that are given are honoured exactly; the others are drawn jointly, given those,
        from the reference population, and amplitude and shape from the learned densities. Every
        draw is addressed by (seed, star_id): a star is the same in any selection or order.

        Parameters
        ----------
        star_class : str
            Class or alias (``"RRLYR"``, ``"RRab"``, ``"EW"``, ``"Mira"``).
        n : int, optional
            Number of stars; by default the length of the arrays given, or 1.
        subtype : str, optional
            Subtype; by default drawn with the parameters.
        period, teff, abs_mag_g, amplitude_i : float, array_like or Quantity, optional
            Period [d], effective temperature [K], absolute G magnitude [mag] and peak-to-peak I
            amplitude [mag]; a scalar serves all stars.
        seed : int
            Seed of the draws.
        star_id : array_like of int, shape (n,), optional
            Unique numbers; by default 0 to n - 1.
        ra, dec, distance_modulus, ebv : float, array_like or Quantity
            Position [deg], or a SkyCoord alone as `ra`; true distance modulus and E(B-V) [mag].
        extrapolate : {"error", "clip", "flag"}
            What to do with parameters outside `ranges`: refuse them, replace them by the border
            with a warning, or use them with a warning.

        Returns
        -------
        Stars
            Stars with latent coordinates; the epoch lies within one period after BJD 2461005.

        Raises
        ------
        InputError
            On unknown classes, wrong shapes, NaN, or parameters out of range.
        """
        name, kind = parse_star_class(star_class, subtype)
        ra, dec = ra_dec(ra, 0.0 if dec is None and not hasattr(ra, "transform_to") else dec)
        given = dict(zip(PARAMETERS, (period, teff, abs_mag_g, amplitude_i), strict=True))
        others = {"ra": ra, "dec": dec, "distance_modulus": distance_modulus, "ebv": ebv, "star_id": star_id}
        size = common_length(given | others) if n is None else whole_number("n", n, 0)
        ids = np.arange(size) if star_id is None else column("star_id", star_id, size, np.int64)
        random = KeyedRandom(seed=seed)
        values: dict[str, FloatArray] = {
            key: column(key, value, size, unit=UNITS[key])
            for key, value in given.items()
            if value is not None
        }
        limits = self._population.ranges(name, kind)
        where = name if kind is None else f"{name} {kind}"
        fixed = np.full((size, len(PARAMETERS)), np.nan)
        for key, value in values.items():
            if key != "abs_mag_g" and (value <= 0).any():
                raise InputError(f"{key} = {value.min():g} is not positive")
            values[key] = used = in_range(key, value, limits[key], where, extrapolate, unit=UNITS[key])
            fixed[:, PARAMETERS.index(key)] = used if key == "abs_mag_g" else np.log10(used)

        group, physics, feh = self._population.draw(self._population.groups(name, kind), fixed, ids, random)
        if amplitude_i is None:
            physics[:, 3] = self._map.sample_log_amplitude(
                physics, group, ids, random, lambda g: self._population.ranges(*GROUPS[g])["amplitude_i"]
            )
        for j, key in enumerate(PARAMETERS):
            if key not in values:
                values[key] = physics[:, j] if key == "abs_mag_g" else 10.0 ** physics[:, j]
        phase = random.uniform("epoch", ids)
        stars = Stars(
            star_id=ids,
            star_class=np.full(size, name),
            subtype=np.array([GROUPS[g][1] for g in group], dtype=np.str_),
            epoch=REFERENCE_EPOCH + phase * values["period"],
            ra=ra,
            dec=dec,
            distance_modulus=distance_modulus,
            ebv=ebv,
            feh=feh,
            **values,
        )
        if extrapolate == "error":
            # Each parameter may suit the class and all together none of its subtypes.
            stars_in_range(stars, self._population, extrapolate)
        return replace(stars, latent=self._map.sample(_physics(stars), group, ids, random))

    def phase_curve(self, stars: Stars, *, seed: int = 0, extrapolate: Extrapolate = "error") -> PhaseCurve:
        """Decode the phase curves of stars, once per star and without any visits.

        Parameters
        ----------
        stars : Stars
            Stars; where `latent` is None it is drawn, addressed by (seed, star_id), and so is the
            subtype where it is ``""``.
        seed : int
            Seed of those draws.
        extrapolate : {"error", "clip", "flag"}
            What to do with parameters outside `ranges`; ``"clip"`` decodes the shape of the
            border and leaves the stars as they are.

        Returns
        -------
        PhaseCurve
            Mean-zero shapes of unit peak-to-peak amplitude; phase zero is maximum light, or the
            primary minimum of ECL and ELL.

        Raises
        ------
        InputError
            On parameters out of range or latent coordinates of another model.
        """
        physics = _physics(stars_in_range(stars, self._population, extrapolate))
        latent = stars.latent
        if latent is None:
            random = KeyedRandom(seed=seed)
            group = self._population.groups_of(stars, random)
            latent = self._map.sample(physics, group, stars.star_id, random)
        elif latent.shape[1] != self.n_latent:
            raise InputError(
                f"the stars have {latent.shape[1]} latent coordinates, model {self.name!r} has "
                f"{self.n_latent}",
                remedy="Draw the stars with this model, or set latent to None.",
            )
        curves, _ = self.decode(latent, stars.star_class, physics)
        return curves

    def decode(
        self, latent: npt.ArrayLike, star_class: npt.ArrayLike, physics: FloatArray
    ) -> tuple[PhaseCurve, FloatArray]:
        """Decode latent coordinates.

        Parameters
        ----------
        latent : array_like, shape (N, n_latent)
            Latent coordinates.
        star_class : array_like of str, shape (N,)
            Classes.
        physics : ndarray, shape (N, 4)
            Physics of the stars: see `pelsvae_cadence.model.reference_stars.physics_matrix`.

        Returns
        -------
        curves : PhaseCurve
            Curves with unit amplitude and their phase zero in place.
        shift : ndarray of float64, shape (N,)
            Phase of that zero in the network's own output; it differs from 0 only where another
            extreme than the expected one is the deepest.
        """
        kind = class_index(star_class)
        binary = np.array([is_binary(c) for c in STAR_CLASSES])[kind]
        packed = self._decoder(np.array(latent, dtype=np.float64), np.array(physics, dtype=np.float64), kind)
        cos, sin = packed[:, : self.n_harmonics], packed[:, self.n_harmonics :]
        return with_phase_zero(PhaseCurve(cos=cos, sin=sin), binary)

    def encode(
        self,
        phase: npt.ArrayLike | Sequence[npt.ArrayLike],
        mag: npt.ArrayLike | Sequence[npt.ArrayLike],
        mag_err: npt.ArrayLike | Sequence[npt.ArrayLike],
        stars: Stars,
    ) -> tuple[FloatArray, FloatArray]:
        """Encode folded I-band points of known stars.

        Neither the mean magnitude nor the amplitude of the stars is used; both are fitted.

        Parameters
        ----------
        phase, mag, mag_err : array_like, shape (n_points,), or sequences of N of them
            Phases in cycles from maximum light (primary minimum for binaries), magnitudes and
            their errors: one star's points in any order and number, or those of each star.
        stars : Stars
            The stars: class, period, teff and abs_mag_g condition the encoder.

        Returns
        -------
        mu, logvar : ndarray of float64, shape (N, n_latent)
            Mean and log-variance of the latent coordinates.

        Raises
        ------
        InputError
            If a star has no point, or points are not finite or have no positive error.
        """
        import torch

        from pelsvae_cadence.model.blocks import in_blocks

        physics, kind = _physics(stars), class_index(stars.star_class)
        mu, logvar = (np.empty((len(stars), self.n_latent)) for _ in range(2))

        def network(*inputs: Any) -> Any:
            mean, variance, _ = self.network.encode(*inputs)
            return torch.cat([mean, variance], dim=1)

        for i, points in enumerate(encoder_points(stars.star_id, phase, mag, mag_err)):
            inputs = [torch.as_tensor(v[None], dtype=torch.float32) for v in (*points, physics[i])]
            both = in_blocks(network, *inputs, torch.as_tensor(kind[i : i + 1]), block=1)[0]
            mu[i], logvar[i] = both[: self.n_latent], both[self.n_latent :]
        return mu, logvar


def _physics(stars: Stars) -> FloatArray:
    if (stars.amplitude_i <= 0).any():
        bad = stars.star_id[stars.amplitude_i <= 0][0]
        raise InputError(f"amplitude_i of star {bad} is 0", remedy="A star must vary.")
    return physics_matrix(stars)
