"""Maps from parameters to the latent space of a trained model, fitted, saved and used apart from it.

A mapping replaces the map that a model ships with (`LightCurveModel.with_mapping`), or adds a
parameter that the model was never trained on (`LatentMapping.draw`): the network stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from pelsvae_cadence.core.arrays import column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.model.blocks import single_thread
from pelsvae_cadence.model.latent.linear import (
    CONDITIONS,
    FlowMap,
    KernelFlowMap,
    LatentMap,
    LatentMapConfig,
    LinearMap,
)
from pelsvae_cadence.model.latent.regressions import Forest, ForestMap, PerceptronMap
from pelsvae_cadence.model.reference_stars import GROUPS, group_index, to_rows
from pelsvae_cadence.model.weights import Weights, load_weights, save_weights
from pelsvae_cadence.stars import Stars

__all__ = ["REGRESSORS", "LatentMapping", "save_mapping"]

FloatArray = npt.NDArray[np.float64]

#: Kinds of maps by name.
REGRESSORS: Final[dict[str, type[LatentMap]]] = {
    "linear": LinearMap,
    "forest": ForestMap,
    "mlp": PerceptronMap,
    "flow": FlowMap,
    "kernel-flow": KernelFlowMap,
}
# Networks run on whole blocks of this many stars: torch rounds differently for other batch sizes.
_BLOCK: Final = 128
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
        One of `REGRESSORS`.
    parameters : tuple of str
        Parameters it takes, beside class, subtype and amplitude.
    module : LatentMap
        The map.

    Raises
    ------
    InputError
        If the weights are no mapping, or damaged.
    """

    def __init__(self, weights: Weights) -> None:
        card = weights.card
        sizes = card["hyperparameters"]
        if card["architecture"] != _ARCHITECTURE or sizes["regressor"] not in REGRESSORS:
            raise InputError(
                f"{weights.name!r} is a {card['architecture']!r}, not a mapping",
                remedy="Fit one: python -m pelsvae_cadence.training map",
            )
        self.name = weights.name
        self.card = card
        self.hash = weights.hash
        self.regressor: str = sizes["regressor"]
        config = LatentMapConfig(**sizes["map"])
        self.parameters = config.parameters
        self.module = REGRESSORS[self.regressor](config).eval()
        _fill(self.module, weights)
        self.module.freeze()

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
        rows = to_rows(stars.period, stars.teff, stars.abs_mag_g, stars.amplitude_i)
        rows = np.column_stack([rows, *(values[name] for name in extra)])
        if not n:
            return replace(stars, latent=np.empty((0, self.module.config.n_latent)))
        random = KeyedRandom(seed=seed)
        kinds = torch.as_tensor(group)
        if amplitude:
            noise = self.module.amplitude_noise(random, stars.star_id)
            log_size = self._in_blocks(self.module.draw_log_amplitude, rows, kinds, noise)
            limits = [self.card["amplitudes"]["/".join(GROUPS[g])] for g in group.tolist()]
            bounds = np.log10(np.array(limits).reshape(-1, 2))
            # The far tail of the density is no star that was ever seen.
            rows[:, 3] = np.clip(log_size, bounds[:, 0], bounds[:, 1])
        noise = self.module.shape_noise(random, stars.star_id)
        latent = self._in_blocks(self.module.draw, rows, kinds, noise)
        changed = {"feh": values["feh"]} if "feh" in values else {}
        return replace(stars, latent=latent, amplitude_i=10.0 ** rows[:, 3], **changed)

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

    @staticmethod
    def _in_blocks(function: Any, rows: FloatArray, group: torch.Tensor, noise: Any) -> FloatArray:
        """Run a map on whole blocks of stars, the last one filled up with its last star."""
        physics = torch.as_tensor(rows, dtype=torch.float32)
        normal = torch.as_tensor(np.asarray(noise), dtype=torch.float32)
        n, parts = len(rows), []
        with single_thread():
            for start in range(0, n, _BLOCK):
                index = torch.arange(start, start + _BLOCK).clamp(max=n - 1)
                parts.append(function(physics[index], group[index], normal[index]))
            return np.asarray(torch.cat(parts)[:n].double().numpy())


def save_mapping(path: str | Path, module: LatentMap, card: Mapping[str, Any]) -> str:
    """Write a mapping and its card.

    Parameters
    ----------
    path : str or Path
        File name of the tensors.
    module : LatentMap
        The map.
    card : mapping
        What it is: the fields of `pelsvae_cadence.model.weights.CARD_FIELDS` but the architecture,
        ``model`` (name and sha256) and ``amplitudes`` (range by class and subtype).

    Returns
    -------
    str
        SHA-256 of the tensors file.
    """
    tensors = {
        key: value.detach().cpu().numpy()
        for key, value in module.state_dict().items()
        if not key.startswith("full_context.")
    }
    return save_weights(path, tensors, {**card, "architecture": _ARCHITECTURE})


def _fill(module: LatentMap, weights: Weights) -> None:
    """Copy the tensors in; a forest is as large as the file says."""
    tensors = dict(weights.tensors)
    for name, part in module.named_children():
        if isinstance(part, Forest):
            mine = [key for key in tensors if key.startswith(f"{name}.")]
            try:
                part.fill({key.removeprefix(f"{name}."): tensors.pop(key) for key in mine})
            except AttributeError as error:
                raise InputError(f"mapping {weights.name!r} holds a foreign tensor") from error
            _check_forest(part, weights.name)
    state = {k: v for k, v in module.state_dict().items() if not _is_forest(module, k)}
    for key, tensor in state.items():
        found = tensors.get(key.replace("full_context.", "context."))
        if found is None or found.shape != tuple(tensor.shape):
            raise InputError(f"mapping {weights.name!r} lacks a usable {key}")
        tensor.copy_(torch.from_numpy(np.array(found)))


def _is_forest(module: LatentMap, key: str) -> bool:
    return isinstance(getattr(module, key.partition(".")[0], None), Forest)


def _check_forest(forest: Forest, name: str) -> None:
    """Refuse nodes that point elsewhere: a walk through them might never end."""
    n = len(forest.left)
    here = torch.arange(n)
    lengths = {len(v) for v in (forest.right, forest.feature, forest.threshold, forest.value)}
    good = lengths == {n} and bool(((forest.root >= 0) & (forest.root < n)).all())
    for side in (forest.left, forest.right):
        # Trees are stored parents first, so every walk goes forward or stays on its leaf.
        good = good and len(side) == n and bool(((side >= here) & (side < n)).all())
    if not good:
        raise InputError(f"mapping {name!r} holds a forest that is no forest")
