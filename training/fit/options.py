"""The options of a fit: named configurations, and what a user changes in them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields
from typing import Any, Final

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.latent.linear import LATENT_MAPS
from pelsvae_cadence.model.sequence.networks import PAPER_CONFIGS, SequenceConfig, paper_config
from pelsvae_cadence.model.sequence.shapes import N_PHYSICS
from pelsvae_cadence.training.fit.config import FitConfig

__all__ = ["CONFIGURATIONS", "FitOptions"]

#: Names of the configurations.
CONFIGURATIONS: Final = ("harmonic", *PAPER_CONFIGS)
_EPOCHS: Final = 150  # of the published networks, at most
# Fields of the fit where the configurations differ.
_FIT_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "harmonic": {
        "steps": 3000,
        "batch": 256,
        "rate": 2e-3,
        "optimiser": "adamw",
        "schedule": "warmup-cosine",
        "weight_decay": 1e-4,
    },
    "paper": {"batch": 128, "rate": 1e-3, "optimiser": "adam", "schedule": "cosine", "weight_decay": 0.0},
}
# Maps. The harmonic network encodes almost without error; a small flow, trained to its end, is enough
# where kernels about the training stars do the rest. The sequence networks' coordinates are noisy.
_MAP_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "harmonic": {
        "kind": "kernel-flow",
        "transforms": 3,
        "hidden": 64,
        "steps": 1500,
        "keep": "last",
        "jitter": 0.1,
        "blur": 0.01,
        "noise": 0.004,
    },
    "paper": {
        "kind": "flow",
        "transforms": 5,
        "hidden": 96,
        "steps": 1000,
        "keep": "best",
        "jitter": 0.15,
        "blur": 0.03,
        "noise": 0.01,
    },
}


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """A configuration and the changes to it; None means what the configuration says.

    Parameters
    ----------
    config : str
        One of `CONFIGURATIONS`. Those of the paper have the sizes and the optimiser of its
        published networks.
    seed : int
        Seed of everything random.
    steps : int, optional
        Steps of the VAE; for the paper's, by default those of 150 epochs.
    batch : int, optional
        Stars a step.
    rate : float, optional
        Peak learning rate.
    optimiser, schedule : str, optional
        See `FitConfig`.
    patience : int
        Validations without progress after which training stops; 0: never.
    device : str
        See `FitConfig`.
    n_latent, hidden : int, optional
        Latent dimensions; width of the layers.
    beta : float, optional
        Weight of the KL term.
    latent_map : str, optional
        Kind of map from physical parameters to latent coordinates: one of
        `pelsvae_cadence.model.latent.linear.LATENT_MAPS`; by default ``"kernel-flow"`` for the harmonic network
        and ``"flow"`` for the paper's.
    mapping_steps : int, optional
        Steps of the map; 1500 for the harmonic network, 1000 for the paper's.
    n_layers, kernel_size : int, optional
        Sequence networks: blocks or layers, and length of the convolutions.
    dropout : float, optional
        Sequence networks: probability of dropout.
    t_len : int
        Sequence networks: points of a light curve; the network reads two periods.
    row_scale : float
        Sequence networks: rows per class in units of the paper's.
    weighted : bool
        Sequence networks: weigh the reconstruction by the errors.
    floor : float
        Sequence networks: see `SequenceTaskConfig`.
    error_weight : float
        Sequence networks: weight of the third term of the loss; 0 decodes no errors.
    physics : bool
        Sequence networks: give the encoder the physical parameters (cVAE-P, not cVAE).
    random_phase : bool
        Sequence networks: arbitrary phase zero, as in the paper.
    min_points : int, optional
        Sequence networks: fewest distinct points of a light curve.

    Raises
    ------
    InputError
        If a name is unknown or an option does not belong to the configuration.
    """

    config: str = "harmonic"
    seed: int = 0
    steps: int | None = None
    batch: int | None = None
    rate: float | None = None
    optimiser: str | None = None
    schedule: str | None = None
    patience: int = 0
    device: str = "cpu"
    n_latent: int | None = None
    hidden: int | None = None
    beta: float | None = None
    latent_map: str | None = None
    mapping_steps: int | None = None
    n_layers: int | None = None
    kernel_size: int | None = None
    dropout: float | None = None
    t_len: int = 300
    row_scale: float = 1.0
    weighted: bool = True
    floor: float = 0.0
    error_weight: float = 1.0
    physics: bool = True
    random_phase: bool = False
    min_points: int | None = None

    def __post_init__(self) -> None:
        if self.config not in CONFIGURATIONS:
            raise InputError(f"config = {self.config!r}", allowed=", ".join(CONFIGURATIONS))
        if self.latent_map is not None and self.latent_map not in LATENT_MAPS:
            raise InputError(f"latent_map = {self.latent_map!r}", allowed=", ".join(LATENT_MAPS))
        if self.t_len < 8:
            raise InputError(f"t_len = {self.t_len}", allowed="8 or more")
        if not self.is_sequence:
            foreign = [
                f.name for f in fields(self)[_FIRST_SEQUENCE_FIELD:] if getattr(self, f.name) != f.default
            ]
            if foreign:
                raise InputError(
                    f"{', '.join(foreign)} given for the configuration {self.config!r}",
                    remedy=f"They belong to {', '.join(PAPER_CONFIGS)}.",
                )

    @property
    def is_sequence(self) -> bool:
        """Whether the configuration is one of the paper's."""
        return self.config in PAPER_CONFIGS

    def command(self) -> str:
        """Write the command that makes these options.

        Returns
        -------
        str
            What to type; options at their defaults are left out, but for the seed.
        """
        words = [
            "python",
            "-m",
            "pelsvae_cadence.training",
            "fit",
            "--config",
            self.config,
            "--seed",
            str(self.seed),
        ]
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("config", "seed", "device") or value == field.default:
                continue
            flag = "--" + field.name.replace("_", "-")
            if isinstance(value, bool):
                words.append(flag if value else "--no-" + flag[2:])
            else:
                words += [flag, str(value)]
        return shlex.join(words)

    def fit_config(self, n_rows: int) -> FitConfig:
        """Give the length and speed of the fit.

        Parameters
        ----------
        n_rows : int
            Training rows, which make an epoch.

        Returns
        -------
        FitConfig
            The configuration of the fit.
        """
        chosen = dict(_FIT_DEFAULTS["paper" if self.is_sequence else "harmonic"])
        for name in ("steps", "batch", "rate", "optimiser", "schedule"):
            if getattr(self, name) is not None:
                chosen[name] = getattr(self, name)
        epoch = max(1, n_rows // chosen["batch"])
        if self.is_sequence:
            chosen.setdefault("steps", _EPOCHS * epoch)
            chosen["evaluate_every"] = min(epoch, 250)
        return FitConfig(**chosen, seed=self.seed, patience=self.patience, device=self.device)

    @property
    def map_defaults(self) -> dict[str, Any]:
        """Kind, sizes, steps, kept weights, jitter, blur and noise of the map."""
        return dict(_MAP_DEFAULTS["paper" if self.is_sequence else "harmonic"])

    def sequence_config(self) -> SequenceConfig:
        """Give the architecture of a sequence network.

        Returns
        -------
        SequenceConfig
            The paper's with the changes.
        """
        changes = {
            name: getattr(self, name)
            for name in ("n_latent", "hidden", "n_layers", "kernel_size", "dropout")
            if getattr(self, name) is not None
        }
        return paper_config(
            self.config,
            **changes,
            n_steps=2 * self.t_len,
            decode_errors=self.error_weight > 0,
            n_physics=N_PHYSICS if self.physics else 0,
        )


_FIRST_SEQUENCE_FIELD: Final = [f.name for f in fields(FitOptions)].index("n_layers")
