"""The learned source model: from physical parameters to stars and their phase curves."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import STAR_CLASSES, SUBTYPES, is_binary, parse_star_class
from pelsvae_cadence.core.arrays import column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve, with_phase_zero
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.model.blocks import in_blocks
from pelsvae_cadence.model.extrapolation import Extrapolate, ExtrapolationWarning, in_range
from pelsvae_cadence.model.reference_stars import GROUPS, PARAMETERS, Population, group_index, to_rows
from pelsvae_cadence.model.weights import Weights, load_weights
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from pelsvae_cadence.model.latent.linear import LatentMap
    from pelsvae_cadence.model.latent.mapping import LatentMapping
    from pelsvae_cadence.model.sequence.shapes import SequenceShapes
    from pelsvae_cadence.model.vae import HarmonicVAE

__all__ = ["Extrapolate", "ExtrapolationWarning", "LightCurveModel"]

FloatArray = npt.NDArray[np.float64]

_UNITS: Final = {"period": "day", "teff": "K", "abs_mag_g": "mag", "amplitude_i": "mag"}
_TEXT_UNITS: Final = {**_UNITS, "period": "d"}
# Epochs are drawn in the period after this BJD (2025 November 25), early in the Rubin survey.
_REFERENCE_EPOCH: Final = 2461005.0


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
        import torch

        from pelsvae_cadence.model.latent.linear import LATENT_MAPS, LatentMapConfig
        from pelsvae_cadence.model.layers import ModelConfig
        from pelsvae_cadence.model.sequence.shapes import SequenceShapes, SequenceShapesConfig
        from pelsvae_cadence.model.vae import HarmonicVAE

        card, sizes = weights.card, weights.card["hyperparameters"]
        if card["architecture"] not in ("harmonic", "sequence") or sizes["latent_map"] not in LATENT_MAPS:
            raise InputError(
                f"weights {weights.name!r} hold a {card['architecture']!r} model with a "
                f"{sizes['latent_map']!r} map",
                allowed=f"'harmonic' or 'sequence' with {', '.join(LATENT_MAPS)}",
            )
        if tuple(card["classes"]) != STAR_CLASSES or card["groups"] != ["/".join(g) for g in GROUPS]:
            raise InputError(f"weights {weights.name!r} use another order of classes or subtypes")
        self.name = weights.name
        self.card = card
        self.hash = weights.hash
        self._vae: HarmonicVAE | SequenceShapes = (
            HarmonicVAE(ModelConfig(**sizes["vae"]))
            if card["architecture"] == "harmonic"
            else SequenceShapes(SequenceShapesConfig.from_dict(sizes["vae"]))
        ).eval()
        self._map: LatentMap = LATENT_MAPS[sizes["latent_map"]](LatentMapConfig(**sizes["map"])).eval()
        for prefix, module in (("vae.", self._vae), ("map.", self._map)):
            wanted = module.state_dict()
            for key, tensor in wanted.items():
                found = weights.tensors.get(prefix + _stored_name(key))
                if found is None or found.shape != tuple(tensor.shape):
                    raise InputError(f"weights {weights.name!r} lack a usable {prefix}{key}")
                tensor.copy_(torch.from_numpy(np.array(found)))
        self._map.freeze()
        self._population = Population(
            weights.tensors["population.rows"],
            weights.tensors["population.group"],
            weights.tensors["population.counts"],
            card["ranges"],
        )
        self.n_harmonics: int = self._vae.config.n_harmonics
        self.n_latent: int = self._vae.config.n_latent
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
        from pelsvae_cadence.model.latent.mapping import LatentMapping

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
        """The encoder and decoder, for fits of further mappings; not to be changed."""
        return self._vae

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
        return self._population.ranges(*_resolve(star_class, subtype))

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
        dec: Any = 0.0,
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
            Position [deg], true distance modulus and E(B-V) [mag].
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
        name, kind = _resolve(star_class, subtype)
        given: dict[str, Any] = {
            "period": period,
            "teff": teff,
            "abs_mag_g": abs_mag_g,
            "amplitude_i": amplitude_i,
        }
        size = _number_of_stars(
            n, star_id, {**given, "ra": ra, "dec": dec, "distance_modulus": distance_modulus, "ebv": ebv}
        )
        ids = np.arange(size) if star_id is None else column("star_id", star_id, size, np.int64)
        random = KeyedRandom(seed=seed)
        values: dict[str, FloatArray] = {
            key: column(key, value, size, unit=_UNITS[key])
            for key, value in given.items()
            if value is not None
        }
        limits = self._population.ranges(name, kind)
        where = name if kind is None else f"{name} {kind}"
        for key, value in list(values.items()):
            if key != "abs_mag_g" and (value <= 0).any():
                raise InputError(f"{key} = {value.min():g} is not positive")
            values[key] = in_range(key, value, limits[key], where, extrapolate, unit=_TEXT_UNITS[key])
        fixed = np.full((size, 4), np.nan)
        for j, key in enumerate(PARAMETERS):
            if key in values:
                fixed[:, j] = values[key] if key == "abs_mag_g" else np.log10(values[key])

        groups = self._population.groups(name, kind)
        group, rows, feh = self._population.draw(groups, fixed, ids, random)
        if amplitude_i is None:
            rows[:, 3] = self._draw_amplitude(rows, group, ids, random)
        for j, key in enumerate(PARAMETERS):
            if key not in values:
                values[key] = rows[:, j] if key == "abs_mag_g" else 10.0 ** rows[:, j]
        phase = random.uniform("epoch", ids)
        stars = Stars(
            star_id=ids,
            star_class=np.full(size, name),
            subtype=np.array([GROUPS[g][1] for g in group], dtype=np.str_),
            epoch=_REFERENCE_EPOCH + phase * values["period"],
            ra=ra,
            dec=dec,
            distance_modulus=distance_modulus,
            ebv=ebv,
            feh=feh,
            **values,
        )
        if extrapolate == "error":
            # Each parameter may suit the class and all together none of its subtypes.
            self._checked_rows(stars, extrapolate)
        return replace(stars, latent=self._draw_latent(self._rows(stars), group, ids, random))

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
        rows = self._checked_rows(stars, extrapolate)
        latent = stars.latent
        if latent is None:
            random = KeyedRandom(seed=seed)
            group = self._groups_of(stars, rows, random)
            latent = self._draw_latent(rows, group, stars.star_id, random)
        elif latent.shape[1] != self.n_latent:
            raise InputError(
                f"the stars have {latent.shape[1]} latent coordinates, model {self.name!r} has "
                f"{self.n_latent}",
                remedy="Draw the stars with this model, or set latent to None.",
            )
        curves, _ = self.decode(latent, stars.star_class, rows)
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
            log10 P, log10 Teff, M_G, log10 A: see `pelsvae_cadence.model.reference_stars.to_rows`.

        Returns
        -------
        curves : PhaseCurve
            Curves with unit amplitude and their phase zero in place.
        shift : ndarray of float64, shape (N,)
            Phase of that zero in the network's own output; it differs from 0 only where another
            extreme than the expected one is the deepest.
        """
        import torch

        from pelsvae_cadence.model.vae import Decoder

        kind = _class_index(np.asarray(star_class))
        binary = np.array([is_binary(c) for c in STAR_CLASSES])[kind]

        decoder = self._vae.decoder
        network = decoder.unscaled if isinstance(decoder, Decoder) else decoder

        packed = in_blocks(
            network,
            torch.as_tensor(np.array(latent), dtype=torch.float32),
            torch.as_tensor(np.array(physics), dtype=torch.float32),
            torch.as_tensor(kind),
        )
        n_harmonics = self.n_harmonics
        cos, sin = packed[:, :n_harmonics], packed[:, n_harmonics:]
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

        columns = [_per_star(v, len(stars)) for v in (phase, mag, mag_err)]
        rows = self._rows(stars)
        kind = _class_index(stars.star_class)
        mu, logvar = (np.empty((len(stars), self.n_latent)) for _ in range(2))

        def network(*inputs: Any) -> Any:
            p, m, w, x, c = inputs
            mean, variance, _ = self._vae.encode(p, m, w, x, c)
            return torch.cat([mean, variance], dim=1)

        for i, (p, m, e) in enumerate(zip(*columns, strict=True)):
            points = [
                column(f"{name} of star {stars.star_id[i]}", v, None)
                for name, v in (("phase", p), ("mag", m), ("mag_err", e))
            ]
            if not len(points[0]) or len({len(v) for v in points}) != 1:
                raise InputError(
                    f"star {stars.star_id[i]} has {', '.join(str(len(v)) for v in points)} "
                    "phases, magnitudes and errors",
                    allowed="one or more of each, as many of one as of the others",
                )
            if (points[2] <= 0).any():
                raise InputError(f"mag_err of star {stars.star_id[i]} is not positive")
            folded = points[0] - np.floor(points[0])
            # Sums depend on the order in their last bits; a fixed order makes them exact.
            order = np.lexsort((points[2], points[1], folded))
            p, m = folded[order], points[1][order]
            w = 1.0 / points[2][order] ** 2
            m = m - np.sum(w * m) / np.sum(w)
            with_star = (p[None], m[None], w[None], rows[i : i + 1])
            inputs = [torch.as_tensor(v, dtype=torch.float32) for v in with_star]
            both = in_blocks(network, *inputs, torch.as_tensor(kind[i : i + 1]), block=1)[0]
            mu[i], logvar[i] = both[: self.n_latent], both[self.n_latent :]
        return mu, logvar

    def _rows(self, stars: Stars) -> FloatArray:
        if (stars.amplitude_i <= 0).any():
            bad = stars.star_id[stars.amplitude_i <= 0][0]
            raise InputError(f"amplitude_i of star {bad} is 0", remedy="A star must vary.")
        return to_rows(stars.period, stars.teff, stars.abs_mag_g, stars.amplitude_i)

    def _checked_rows(self, stars: Stars, extrapolate: Extrapolate) -> FloatArray:
        """Arrange stars in rows, after the check of their ranges, class by class."""
        values = {name: np.array(getattr(stars, name)) for name in PARAMETERS}
        pairs = list(zip(stars.star_class.tolist(), stars.subtype.tolist(), strict=True))
        for name, kind in sorted(set(pairs)):
            mine = np.array([pair == (name, kind) for pair in pairs])
            limits = self._population.ranges(name, kind or None)
            for key in PARAMETERS:
                values[key][mine] = in_range(
                    key,
                    values[key][mine],
                    limits[key],
                    f"{name} {kind}".strip(),
                    extrapolate,
                    unit=_TEXT_UNITS[key],
                )
        return self._rows(replace(stars, **values))

    def _groups_of(self, stars: Stars, rows: FloatArray, random: KeyedRandom) -> npt.NDArray[np.int64]:
        """Look up the groups of stars; unknown subtypes are drawn given all the physics."""
        group = group_index(stars.star_class, stars.subtype)
        for name in sorted(set(stars.star_class[group < 0].tolist())):
            mine = np.flatnonzero((group < 0) & (stars.star_class == name))
            groups = self._population.groups(name)
            drawn, _, _ = self._population.draw(groups, rows[mine], stars.star_id[mine], random)
            group[mine] = drawn
        return group

    def _draw_amplitude(
        self,
        rows: FloatArray,
        group: npt.NDArray[np.int64],
        star_id: npt.NDArray[np.int64],
        random: KeyedRandom,
    ) -> FloatArray:
        import torch

        drawn = in_blocks(
            self._map.draw_log_amplitude,
            torch.as_tensor(rows[:, :3], dtype=torch.float32),
            torch.as_tensor(group),
            torch.as_tensor(self._map.amplitude_noise(random, star_id), dtype=torch.float32),
        )
        limits = {g: self._population.ranges(*GROUPS[g])["amplitude_i"] for g in set(group.tolist())}
        bounds = np.log10(np.array([limits[g] for g in group.tolist()]).reshape(-1, 2))
        # The far tail of the density is no star that was ever seen.
        return np.clip(drawn, bounds[:, 0], bounds[:, 1])

    def _draw_latent(
        self,
        rows: FloatArray,
        group: npt.NDArray[np.int64],
        star_id: npt.NDArray[np.int64],
        random: KeyedRandom,
    ) -> FloatArray:
        import torch

        noise = self._map.shape_noise(random, star_id)
        return in_blocks(
            self._map.draw,
            torch.as_tensor(rows, dtype=torch.float32),
            torch.as_tensor(group),
            torch.as_tensor(noise, dtype=torch.float32),
        )


def _stored_name(key: str) -> str:
    """Name of a tensor in the file: what two modules share is stored once."""
    for shared in ("basis.", "physics."):
        key = key.replace(f"decoder.{shared}", f"encoder.{shared}")
    return key.replace("full_context.", "context.")


def _resolve(star_class: str, subtype: str | None) -> tuple[str, str | None]:
    name, implied = parse_star_class(star_class)
    if subtype is None or subtype == "":
        return name, implied
    if subtype not in SUBTYPES[name] or implied not in (None, subtype):
        allowed = (implied,) if implied else SUBTYPES[name]
        raise InputError(
            f"subtype {subtype!r} does not fit star class {star_class!r}", allowed=", ".join(allowed)
        )
    return name, subtype


def _class_index(star_class: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    lookup = {name: i for i, name in enumerate(STAR_CLASSES)}
    return np.array([lookup[name] for name in star_class.tolist()], dtype=np.int64)


def _number_of_stars(n: int | None, star_id: Any, given: dict[str, Any]) -> int:
    if n is not None:
        if isinstance(n, bool) or int(n) != n or n < 0:
            raise InputError(f"n = {n!r} is not a number of stars", allowed="0 or more")
        return int(n)
    sizes = {
        name: np.size(value)
        for name, value in {**given, "star_id": star_id}.items()
        if value is not None and np.ndim(value) == 1
    }
    if len(set(sizes.values())) > 1:
        text = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"the parameters have different lengths ({text})")
    return next(iter(sizes.values()), 1)


def _per_star(values: Any, n: int) -> list[Any]:
    parts = list(values) if len(values) and np.ndim(values[0]) > 0 else [values]
    if len(parts) != n:
        raise InputError(f"points of {len(parts)} stars were given for {n} stars")
    return parts
