"""The options of fits, latent maps and searches: what a user chooses, on the command line or not."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.options import Seed, at_least, documented, option_words

if TYPE_CHECKING:
    from pelsvae_cadence.model.sequence.networks import SequenceConfig
    from pelsvae_cadence.training.fit.config import FitConfig

# The command line reads this module to say what it can do: it imports no torch of its own.

__all__ = [
    "Batch",
    "Device",
    "FitOptions",
    "MappingOptions",
    "Points",
    "Regressor",
    "RowScale",
    "SweepOptions",
]

_LATENT_MAPS: Final = ("flow", "kernel-flow", "linear")  # that a model can be trained with
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


Batch = Annotated[int | None, typer.Option(help="Stars a step. Default: 256; paper 128.", min=1)]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:NUMBER.")]
Points = Annotated[int, typer.Option(help="Paper's: points of a light curve.", min=8)]
RowScale = Annotated[float, typer.Option(help="Paper's: rows per class in units of its 5,000 or 10,000.")]


@documented
@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """A configuration and the changes to it: the options of the command ``fit``.

    None means what the configuration says. The configurations of the paper have the sizes and the
    optimiser of its published networks; fields from `n_layers` on belong to them alone.

    Raises
    ------
    InputError
        If a name is unknown or an option does not belong to the configuration.
    """

    config: Annotated[str, typer.Option(help="harmonic, paper-tcn, paper-gru or paper-lstm.")] = "harmonic"
    seed: Seed = 0
    steps: Annotated[
        int | None,
        typer.Option(help="Steps of the VAE. Default: 3000; the paper's networks, 150 epochs.", min=1),
    ] = None
    batch: Batch = None
    rate: Annotated[float | None, typer.Option(help="Peak learning rate. Default: 0.002; paper 0.001.")] = (
        None
    )
    optimiser: Annotated[str | None, typer.Option(help="adam or adamw. Default: adamw; paper adam.")] = None
    schedule: Annotated[
        str | None,
        typer.Option(
            help="none, exponential, cosine, plateau or warmup-cosine. Default: warmup-cosine; paper cosine."
        ),
    ] = None
    patience: Annotated[
        int, typer.Option(help="Stop after so many validations without progress; 0: never.", min=0)
    ] = 0
    n_latent: Annotated[
        int | None, typer.Option(help="Latent dimensions. Default: 12; TCN 4, GRU 6.", min=1)
    ] = None
    hidden: Annotated[
        int | None, typer.Option(help="Width of the layers. Default: 128; paper 48.", min=1)
    ] = None
    beta: Annotated[
        float | None,
        typer.Option(help="Weight of the KL term. Default: 0.05; paper 0.75 (in 1e-4).", min=0.0),
    ] = None
    latent_map: Annotated[
        str | None, typer.Option(help="kernel-flow, flow or linear. Default: kernel-flow; paper flow.")
    ] = None
    mapping_steps: Annotated[
        int | None, typer.Option(help="Steps of the latent map. Default: 1500; paper 1000.", min=1)
    ] = None
    device: Device = "cpu"
    n_layers: Annotated[
        int | None, typer.Option(help="Paper's: blocks (TCN, default 9) or layers (2).", min=1)
    ] = None
    kernel_size: Annotated[
        int | None, typer.Option(help="TCN: length of the convolutions. Default: 5.", min=2)
    ] = None
    dropout: Annotated[
        float | None, typer.Option(help="Paper's: dropout. Default: 0.2.", min=0.0, max=0.99)
    ] = None
    t_len: Points = 300
    row_scale: RowScale = 1.0
    weighted: Annotated[
        bool, typer.Option(help="Paper's: weigh by the errors (eq. 2), or the published code's mean square.")
    ] = True
    floor: Annotated[
        float, typer.Option(help="Paper's: error added in quadrature, in units of the range.", min=0.0)
    ] = 0.0
    error_weight: Annotated[
        float, typer.Option(help="Paper's: weight of the errors' divergence; 0: magnitudes only.", min=0.0)
    ] = 1.0
    physics: Annotated[bool, typer.Option(help="Paper's: cVAE-P, or cVAE.")] = True
    random_phase: Annotated[bool, typer.Option(help="Paper's: arbitrary phase zero.")] = False
    min_points: Annotated[
        int | None,
        typer.Option(
            help="Paper's: mix light curves of this many to --t-len points. Default: all --t-len.", min=4
        ),
    ] = None

    def __post_init__(self) -> None:
        from pelsvae_cadence.model.sequence.networks import PAPER_CONFIGS

        if self.is_sequence and self.config not in PAPER_CONFIGS:
            allowed = ", ".join(("harmonic", *PAPER_CONFIGS))
            raise InputError(f"config = {self.config!r}", allowed=allowed)
        if self.latent_map is not None and self.latent_map not in _LATENT_MAPS:
            raise InputError(f"latent_map = {self.latent_map!r}", allowed=", ".join(_LATENT_MAPS))
        at_least(self, 8, "t_len")
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
        return self.config != "harmonic"

    def command(self, **more: object) -> str:
        """Write the command that makes these options.

        Parameters
        ----------
        **more : object
            Further options of the command, such as the table; None is left out.

        Returns
        -------
        str
            What to type; options at their defaults are left out, but for configuration and seed.
        """
        words = option_words(self, always=("config", "seed"), **more)
        return f"python -m pelsvae_cadence.training fit {words}"

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
        from pelsvae_cadence.training.fit.config import FitConfig

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
        from pelsvae_cadence.model.sequence.networks import paper_config
        from pelsvae_cadence.model.sequence.shapes import N_PHYSICS

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


Regressor = Annotated[str, typer.Option(help="flow, kernel-flow, forest, mlp or linear.")]


@documented
@dataclass(frozen=True, kw_only=True)
class MappingOptions:
    """What is mapped to the latent space of a trained model, and how: options of the command ``map``.

    The parameters to map from, beside class, subtype and amplitude, are of ``period``, ``teff``,
    ``abs_mag_g``, ``feh``, and columns of the labels. Shuffled among the stars of a subtype they mean
    nothing, which is the baseline.

    Raises
    ------
    InputError
        If the regressor is unknown.
    """

    regressor: Regressor = "flow"
    parameters: tuple[str, ...] = ("period", "teff", "abs_mag_g")
    star_class: Annotated[str | None, typer.Option(help="Only this class or subtype.")] = None
    steps: Annotated[int, typer.Option(help="Steps of a flow.", min=1)] = 1500
    draws: Annotated[int, typer.Option(help="Draws from each star's posterior.", min=1)] = 10
    permute: Annotated[bool, typer.Option("--permute", help="Shuffle the parameters: the baseline.")] = False
    seed: Seed = 0

    def __post_init__(self) -> None:
        from pelsvae_cadence.model.latent.conditions import MAP_KINDS

        if self.regressor not in MAP_KINDS:
            raise InputError(f"regressor = {self.regressor!r}", allowed=", ".join(MAP_KINDS))
        at_least(self, 1, "draws", "steps")


@documented
@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """What is searched and how long: options of the command ``sweep``.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    trials: Annotated[int, typer.Option(help="Finished trials of the study, of all processes.", min=1)] = 30
    worker: Annotated[
        int, typer.Option(help="Number of this process, if several share the study.", min=0)
    ] = 0
    name: Annotated[str, typer.Option("--study", help="Name of the study in its file.")] = "table-2"
    prune: Annotated[bool, typer.Option(help="Stop trials below the median early.")] = True
    seed: Seed = 0

    def __post_init__(self) -> None:
        at_least(self, 1, "trials")
        at_least(self, 0, "worker", "seed")
