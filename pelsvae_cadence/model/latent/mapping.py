"""Maps from parameters to the latent space of a trained model, fitted, saved and used apart from it.

A mapping replaces the map that a model ships with (`LightCurveModel.with_mapping`), or adds a
parameter that the model was never trained on (`LatentMapping.draw`): the network stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.model.latent.conditions import CONDITIONS, MAP_KINDS, LatentMapConfig
from pelsvae_cadence.model.latent.draws import LatentDraws
from pelsvae_cadence.model.latent.kernels import FlowDraws, KernelDraws
from pelsvae_cadence.model.reference_stars import GROUPS, group_index, physics_matrix
from pelsvae_cadence.model.weights import Weights, load_weights, module_tensors, save_weights
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LatentMapping", "read_map", "save_mapping"]

FloatArray = npt.NDArray[np.float64]

_ARCHITECTURE: Final = "mapping"


class LatentMapping:
    """A map from parameters to the latent coordinates of one trained model.

    Use `load`, or fit one with `pelsvae_cadence.training.fit.fit_mapping`.

    Parameters
    ----------
    weights : Weights
        Tensors and card.

    Attributes
    ----------
    name : str
        Name of the mapping.
    card : dict
        What it is: model, parameters, training stars, command.
    hash : str
        SHA-256 of the tensors.
    regressor : str
        One of `MAP_KINDS`.
    parameters : tuple of str
        Parameters it takes, beside class, subtype and amplitude.
    module : LatentDraws
        The map.

    Raises
    ------
    InputError
        If the weights are no mapping, or damaged.
    """

    def __init__(self, weights: Weights) -> None:
        card = weights.card
        sizes = card["hyperparameters"]
        if card["architecture"] != _ARCHITECTURE or sizes["regressor"] not in MAP_KINDS:
            raise InputError(
                f"{weights.name!r} is a {card['architecture']!r}, not a mapping",
                remedy="Fit one: python -m pelsvae_cadence.training map",
            )
        self.name = weights.name
        self.card = card
        self.hash = weights.hash
        self.regressor: str = sizes["regressor"]
        self.module = read_map(weights, self.regressor)
        self.parameters = self.module.config.parameters

    @classmethod
    def load(cls, path: str | Path) -> LatentMapping:
        """Load a mapping.

        Parameters
        ----------
        path : str or Path
            The ``.safetensors`` file, or its card.

        Returns
        -------
        LatentMapping
            The mapping, on the CPU.

        Raises
        ------
        InputError
            If a file is missing, damaged or too new.
        """
        return cls(load_weights(Path(path)))

    def __repr__(self) -> str:
        return (
            f"<LatentMapping {self.name!r}: {self.regressor} of {', '.join(self.parameters)} "
            f"for model {self.card['model']['name']!r}>"
        )

    def check(self, model_hash: str) -> None:
        """See that the mapping belongs to a model.

        Parameters
        ----------
        model_hash : str
            `LightCurveModel.hash` of the model.

        Raises
        ------
        InputError
            If it was fitted on another one.
        """
        if self.card["model"]["sha256"] != model_hash:
            raise InputError(
                f"mapping {self.name!r} was fitted on the model {self.card['model']['name']!r} "
                f"({self.card['model']['sha256'][:12]}), not on this one ({model_hash[:12]})",
                remedy="Fit it again: python -m pelsvae_cadence.training map",
            )

    def ranges(self, star_class: str, subtype: str) -> dict[str, tuple[float, float]]:
        """Give the parameters for which the mapping is valid.

        Parameters
        ----------
        star_class, subtype : str
            Class and subtype.

        Returns
        -------
        dict of str to (float, float)
            Range of each parameter over the training stars: the central 99.8 % and a margin of
            5 %, in the parameter's unit.

        Raises
        ------
        InputError
            If it was not fitted on such stars.
        """
        ranges = self.card["ranges"]
        found = ranges.get(f"{star_class}/{subtype}")
        if found is None:
            raise InputError(
                f"mapping {self.name!r} was not fitted on {star_class} {subtype!r} stars",
                allowed=", ".join(ranges),
            )
        return {name: (float(low), float(high)) for name, (low, high) in found.items()}

    def draw(
        self,
        stars: Stars,
        *,
        seed: int = 0,
        amplitude: bool = True,
        extrapolate: bool = False,
        **parameters: npt.ArrayLike,
    ) -> Stars:
        """Draw amplitude and latent coordinates anew, given the parameters of the mapping.

        Parameters
        ----------
        stars : Stars
            Stars with class and subtype; period, teff and abs_mag_g are theirs.
        seed : int
            Seed of the draws, which are addressed by (seed, star_id).
        amplitude : bool
            Draw the amplitude too, rather than keep that of the stars.
        extrapolate : bool
            Use parameters outside `ranges`, rather than refuse them.
        **parameters : array_like
            The other parameters of the mapping, one value or one a star. ``feh`` is that of the
            stars if it is not given.

        Returns
        -------
        Stars
            The same stars with other amplitudes and latent coordinates, and ``feh`` where given.

        Raises
        ------
        InputError
            On parameters that are missing, unknown, not finite or out of range.
        """
        n = len(stars)
        extra = self.module.config.extra
        given = dict(parameters)
        if "feh" in extra and "feh" not in given:
            given["feh"] = stars.feh
        wrong = sorted(set(given) ^ set(extra))
        if wrong:
            raise InputError(
                f"mapping {self.name!r} takes {', '.join(extra) or 'no further parameters'}; "
                f"{', '.join(wrong)} missing or unknown"
            )
        values = {name: column(name, given[name], n) for name in extra}
        group = group_index(stars.star_class, stars.subtype)
        every = {**{name: np.asarray(getattr(stars, name)) for name in CONDITIONS}, **values}
        self._check_ranges(stars, every, extrapolate)
        physics = np.column_stack([physics_matrix(stars), *(values[name] for name in extra)])
        ids, random = stars.star_id, KeyedRandom(seed=seed)
        if amplitude:
            limits = self.card["amplitudes"]
            physics[:, 3] = self.module.sample_log_amplitude(
                physics, group, ids, random, lambda g: limits["/".join(GROUPS[g])]
            )
        latent = self.module.sample(physics, group, ids, random)
        changed = {"feh": values["feh"]} if "feh" in values else {}
        return replace(stars, latent=latent, amplitude_i=10.0 ** physics[:, 3], **changed)

    def _check_ranges(self, stars: Stars, values: Mapping[str, FloatArray], extrapolate: bool) -> None:
        pairs = list(zip(stars.star_class.tolist(), stars.subtype.tolist(), strict=True))
        for pair in sorted(set(pairs)):
            mine = np.array([p == pair for p in pairs])
            for name, (low, high) in self.ranges(*pair).items():
                here = values[name][mine]
                slack = 1e-9 * max(abs(low), abs(high))
                bad = here[(here < low - slack) | (here > high + slack)]
                if bad.size and not extrapolate:
                    raise InputError(
                        f"{name} = {bad[0]:.6g} is outside the range of the {' '.join(pair)} "
                        f"training stars of mapping {self.name!r}",
                        allowed=f"{low:.6g} to {high:.6g}",
                        remedy="Use extrapolate=True to use it all the same.",
                    )


def save_mapping(path: str | Path, module: nn.Module, card: Mapping[str, Any]) -> str:
    """Write a mapping and its card.

    Parameters
    ----------
    path : str or Path
        File name of the tensors.
    module : torch.nn.Module
        The map, as it was trained.
    card : mapping
        What it is: the fields of `pelsvae_cadence.model.weights.CARD_FIELDS` but the architecture,
        ``model`` (name and sha256) and ``amplitudes`` (range by class and subtype).

    Returns
    -------
    str
        SHA-256 of the tensors file.
    """
    return save_weights(path, module_tensors(module), {**card, "architecture": _ARCHITECTURE})


def read_map(weights: Weights, kind: str, prefix: str = "") -> LatentDraws:
    """Make a map of its tensors.

    Parameters
    ----------
    weights : Weights
        Tensors and card.
    kind : str
        One of `MAP_KINDS`.
    prefix : str
        What the names of the tensors begin with.

    Returns
    -------
    LatentDraws
        The map, ready to draw from; those that are not flows are torch modules.

    Raises
    ------
    InputError
        If a tensor is missing or has another shape, or a forest is none.
    """
    if kind in ("flow", "kernel-flow"):
        draws = KernelDraws if kind == "kernel-flow" else FlowDraws
        return draws(weights, LatentMapConfig(**weights.card["hyperparameters"]["map"]), prefix)
    from pelsvae_cadence.model.latent.kinds import read_module

    return read_module(weights, kind, prefix)
