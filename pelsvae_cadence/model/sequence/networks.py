r"""The sequence networks of the PELS-VAE paper: TCN, GRU and LSTM variational autoencoders.

Martinez-Palomera, Bloom & Abrahams 2020 (arXiv:2005.07773; code MIT) fold a light curve, join it
with itself one period later and read it as a sequence of (phase tag, magnitude, error). The
encoder's state after the last step, joined with class and physical parameters, gives the mean and
the log-variance of z; the decoder reads z and class at every step beside the phase tag.

Such a decoder counts its steps. Its output means something on its training grid only: wrap it with
`pelsvae_cadence.model.sequence.curves`, never feed it survey visits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

import torch
from torch import Tensor, nn

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.sequence.layers import CausalConvolutions, RecurrentLayers

__all__ = [
    "PAPER_CONFIGS",
    "TAG_RANGE",
    "SequenceConfig",
    "SequenceDecoder",
    "SequenceEncoder",
    "SequenceLoss",
    "SequenceVAE",
    "paper_config",
    "sequence_loss",
    "training_tags",
]

#: The range to which the published code scales phase tags and magnitudes.
TAG_RANGE: Final = (1e-4, 0.9999)
# The first (encoder) and last (decoder, reversed) widths of the published convolutions.
_NARROW: Final = (8, 16, 32)
# The published code divides the KL divergence by this before beta multiplies it.
_KL_SCALE: Final = 1e-4
_MOST_HARMONICS: Final = 64

Layers = Literal["tcn", "gru", "lstm"]


@dataclass(frozen=True, kw_only=True)
class SequenceConfig:
    """Architecture of a sequence network.

    Parameters
    ----------
    layers : {"tcn", "gru", "lstm"}
        Kind of the sequence layers.
    n_layers : int
        Residual blocks of a TCN (4 or more), or stacked recurrent layers.
    hidden : int
        Channels of a block, or width of the recurrent state.
    kernel_size : int
        Length of the convolutions; recurrent layers ignore it.
    dropout : float
        Probability of dropout.
    n_latent : int
        Latent dimensions.
    n_classes : int
        Length of the one-hot class; 0 for a network without classes.
    n_physics : int
        Physical parameters that the encoder reads; 0 for a network without them.
    physics_in_decoder : bool
        Give the physical parameters to the decoder too. False in all published networks.
    dense : tuple of int
        Widths of the dense layers between the sequence layers and the latent space.
    n_steps : int
        Steps of a sequence, over two periods; even.
    n_inputs : int
        Features of a step: phase tag, magnitude, error.
    decode_errors : bool
        Decode an error beside the magnitude. False in all published networks.

    Raises
    ------
    InputError
        If a size is out of its range.
    """

    layers: Layers
    n_layers: int
    hidden: int = 48
    kernel_size: int = 5
    dropout: float = 0.2
    n_latent: int = 4
    n_classes: int = len(STAR_CLASSES)
    n_physics: int = 0
    physics_in_decoder: bool = False
    dense: tuple[int, ...] = (16,)
    n_steps: int = 600
    n_inputs: int = 3
    decode_errors: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "dense", tuple(self.dense))
        if self.layers not in ("tcn", "gru", "lstm"):
            raise InputError(f"sequence layers {self.layers!r} are unknown", allowed="'tcn', 'gru', 'lstm'")
        least = dict.fromkeys(("hidden", "n_latent", "n_inputs"), 1) | {"n_classes": 0, "n_physics": 0}
        least |= {"n_layers": len(_NARROW) + 1 if self.layers == "tcn" else 1, "kernel_size": 2, "n_steps": 4}
        for name, low in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise InputError(f"{name} = {value!r} of {self.layers} layers", allowed=f"{low} or more")
        if self.n_steps % 2:
            raise InputError(f"n_steps = {self.n_steps} is odd", allowed="even: two equal periods")
        if not 0.0 <= self.dropout < 1.0:
            raise InputError(f"dropout = {self.dropout!r}", allowed="0 to below 1")
        if not self.dense or min(self.dense) < 1:
            raise InputError(f"dense = {self.dense!r}", allowed="one or more widths of 1 or more")

    @property
    def encoder_channels(self) -> tuple[int, ...]:
        """Channels of the encoder's blocks (TCN); those of the decoder are reversed."""
        return _NARROW + (self.hidden,) * (self.n_layers - len(_NARROW))

    @property
    def n_harmonics(self) -> int:
        """Harmonics that the steps of a period can carry, 64 at most."""
        return min(_MOST_HARMONICS, (self.n_steps // 2 - 1) // 2)

    @property
    def n_decoder_inputs(self) -> int:
        """Features of a step of the decoder: tag, z, class, and physics where it reads them."""
        physics = self.n_physics if self.physics_in_decoder else 0
        return 1 + self.n_latent + self.n_classes + physics


#: The configurations of the published networks with class and three physical parameters
#: (cVAE-P). TCN: network yp4qdw1r. GRU: network cfwyf4zg, which has no physics (set
#: ``n_physics=0`` for it). LSTM: the GRU's sizes; no LSTM weights were published.
PAPER_CONFIGS: Final[dict[str, SequenceConfig]] = {
    "paper-tcn": SequenceConfig(layers="tcn", n_layers=9, n_latent=4, n_physics=3),
    "paper-gru": SequenceConfig(layers="gru", n_layers=2, n_latent=6, n_physics=3),
    "paper-lstm": SequenceConfig(layers="lstm", n_layers=2, n_latent=6, n_physics=3),
}


def paper_config(name: str, **changes: Any) -> SequenceConfig:
    """Give a configuration of the paper, with changes.

    Parameters
    ----------
    name : {"paper-tcn", "paper-gru", "paper-lstm"}
        Name of the configuration.
    **changes : object
        Fields of `SequenceConfig` to change: ``n_physics=0`` for a cVAE, ``n_classes=0`` too for
        a plain VAE.

    Returns
    -------
    SequenceConfig
        The configuration.

    Raises
    ------
    InputError
        If the name is unknown or a change is out of range.
    """
    if name not in PAPER_CONFIGS:
        raise InputError(f"unknown configuration {name!r}", allowed=", ".join(PAPER_CONFIGS))
    return replace(PAPER_CONFIGS[name], **changes)


def training_tags(n_steps: int) -> Tensor:
    """Give the phase tags of uniform steps over two periods.

    Parameters
    ----------
    n_steps : int
        Number of steps.

    Returns
    -------
    Tensor of float32, shape (n_steps,)
        Phases 0, 2/n, 4/n, ... cycles, where `TAG_RANGE` stands for 0 to 2 cycles.
    """
    low, high = TAG_RANGE
    return (low + (high - low) * torch.arange(n_steps, dtype=torch.float64) / n_steps).float()


def _sequence_layers(
    config: SequenceConfig, n_in: int, channels: tuple[int, ...]
) -> CausalConvolutions | RecurrentLayers:
    if config.layers == "tcn":
        return CausalConvolutions(n_in, channels, config.kernel_size, config.dropout)
    return RecurrentLayers(config.layers, n_in, config.hidden, config.n_layers, config.dropout)


def _join(
    first: Tensor, star_class: Tensor | None, physics: Tensor | None, n_classes: int, n_physics: int
) -> Tensor:
    """Append one-hot class and physics, each where the network has them."""
    parts = [first]
    for name, size, value in (("class", n_classes, star_class), ("physics", n_physics, physics)):
        if size and value is None:
            raise InputError(f"this network needs the {name} of every star")
        if size and value is not None:
            parts.append(nn.functional.one_hot(value, size).to(first.dtype) if name == "class" else value)
    return torch.cat(parts, dim=1)


class SequenceEncoder(nn.Module):
    """Sequences to a Gaussian in the latent space.

    Parameters
    ----------
    config : SequenceConfig
        Architecture.
    """

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        self.config = config
        self.sequence = _sequence_layers(config, config.n_inputs, config.encoder_channels)
        parts: list[nn.Module] = []
        width = self.sequence.n_out + config.n_classes + config.n_physics
        for size in config.dense:
            parts += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(config.dropout)]
            width = size
        self.dense = nn.Sequential(*parts)
        self.mu = nn.Linear(width, config.n_latent)
        self.logvar = nn.Linear(width, config.n_latent)

    def forward(
        self, steps: Tensor, star_class: Tensor | None = None, physics: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Encode.

        Parameters
        ----------
        steps : Tensor, shape (N, n_steps, n_inputs)
            Phase tag, magnitude (0 = bright, 1 = faint) and error of every step.
        star_class : Tensor of int, shape (N,), optional
            Classes, for a network that has them.
        physics : Tensor, shape (N, n_physics), optional
            Scaled physical parameters, for a network that has them.

        Returns
        -------
        mu, logvar : Tensor, shape (N, n_latent)
            Mean and log-variance of the latent coordinates.
        """
        last = self.sequence(steps)[:, -1]
        config = self.config
        joined = _join(last, star_class, physics, config.n_classes, config.n_physics)
        hidden = self.dense(joined)
        return self.mu(hidden), self.logvar(hidden)


class SequenceDecoder(nn.Module):
    """Latent coordinates and phase tags to sequences of magnitudes.

    Parameters
    ----------
    config : SequenceConfig
        Architecture.
    """

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        self.config = config
        self.sequence = _sequence_layers(config, config.n_decoder_inputs, config.encoder_channels[::-1])
        self.output = nn.Linear(self.sequence.n_out, 2 if config.decode_errors else 1)

    def forward(
        self, z: Tensor, tags: Tensor, star_class: Tensor | None = None, physics: Tensor | None = None
    ) -> Tensor:
        """Decode.

        Parameters
        ----------
        z : Tensor, shape (N, n_latent)
            Latent coordinates.
        tags : Tensor, shape (n_steps,) or (N, n_steps)
            Phase tags; `training_tags` are the only ones on which the output is to be trusted.
        star_class : Tensor of int, shape (N,), optional
            Classes.
        physics : Tensor, shape (N, n_physics), optional
            Scaled physical parameters, where the decoder reads them.

        Returns
        -------
        Tensor, shape (N, n_steps, 1 or 2)
            Magnitude between 0 (bright) and 1 (faint), and its error where it is decoded.
        """
        config = self.config
        n_physics = config.n_physics if config.physics_in_decoder else 0
        joined = _join(z, star_class, physics, config.n_classes, n_physics)
        n_steps = tags.shape[-1]
        every = joined[:, None].expand(-1, n_steps, -1)
        steps = torch.cat([tags.expand(len(z), n_steps)[..., None], every], dim=2)
        return torch.sigmoid(self.output(self.sequence(steps)))


class SequenceVAE(nn.Module):
    """Encoder and decoder of the paper.

    Parameters
    ----------
    config : SequenceConfig
        Architecture.

    Notes
    -----
    The network draws from torch's generator in `forward`: training only. Decoding is
    deterministic.
    """

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = SequenceEncoder(config)
        self.decoder = SequenceDecoder(config)

    def forward(
        self,
        steps: Tensor,
        star_class: Tensor | None = None,
        physics: Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        r"""Encode, draw :math:`z = \mu + \sigma\epsilon` (Kingma & Welling 2014, eq. 9), decode.

        Parameters
        ----------
        steps : Tensor, shape (N, n_steps, n_inputs)
            Phase tag, magnitude and error of every step.
        star_class : Tensor of int, shape (N,), optional
            Classes.
        physics : Tensor, shape (N, n_physics), optional
            Scaled physical parameters.
        generator : torch.Generator, optional
            Source of the draw.

        Returns
        -------
        decoded : Tensor, shape (N, n_steps, 1 or 2)
            See `SequenceDecoder.forward`.
        mu, logvar : Tensor, shape (N, n_latent)
            Mean and log-variance of the latent coordinates.
        """
        mu, logvar = self.encoder(steps, star_class, physics)
        noise = torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device)
        z = mu + (0.5 * logvar).exp() * noise
        return self.decoder(z, steps[..., 0], star_class, physics), mu, logvar


class SequenceLoss(NamedTuple):
    """The terms of the loss, each a scalar Tensor.

    Parameters
    ----------
    total : Tensor
        What is minimised.
    reconstruction, kl, errors : Tensor
        Its terms before their weights.
    """

    total: Tensor
    reconstruction: Tensor
    kl: Tensor
    errors: Tensor


def sequence_loss(
    decoded: Tensor,
    steps: Tensor,
    mu: Tensor,
    logvar: Tensor,
    *,
    beta: float = 0.75,
    weighted: bool = True,
    error_weight: float = 1.0,
    floor: float = 0.0,
) -> SequenceLoss:
    r"""Compare decoded with given sequences.

    .. math:: L = \frac1N \sum_i \frac{(m_i - \hat m_i)^2}{e_i^2}
              + 10^{-4} \beta\, D_{KL}(q \,\|\, N(0, 1))
              + \gamma\, \frac1N \sum_i D_{KL}(N(0, e_i) \,\|\, N(0, \hat e_i))

    Parameters
    ----------
    decoded : Tensor, shape (N, n_steps, 1 or 2)
        What the decoder returns.
    steps : Tensor, shape (N, n_steps, 3)
        Phase tag, magnitude and error, normalised.
    mu, logvar : Tensor, shape (N, n_latent)
        Mean and log-variance of the latent coordinates.
    beta : float
        Weight of the latent term; 0.75 in the published networks.
    weighted : bool
        Divide by the squared errors. False is what the published code does: a plain mean square.
    error_weight : float
        Weight gamma of the third term, which exists where the decoder returns errors.
    floor : float
        Error added in quadrature to those of the first term. 0 is the paper's equation.

    Returns
    -------
    SequenceLoss
        Total and terms; the latent term is summed over dimensions and averaged over stars.

    Raises
    ------
    InputError
        If a weighted loss or the third term meets an error that is not positive.

    Notes
    -----
    The published runs use the plain mean square and no third term (both stand commented out in
    their code). Theirs is torch's ``kl_div`` of the raw errors, which is no divergence because
    neither argument is a probability; ours is that of two Gaussians of these widths and is 0
    exactly where the errors agree.
    """
    mag, error = steps[..., 1], steps[..., 2]
    with_errors = decoded.shape[-1] == 2
    if (weighted or with_errors) and bool((error <= 0).any()):
        raise InputError("a normalised error is not positive", remedy="Use weighted=False.")
    square = (decoded[..., 0] - mag) ** 2
    reconstruction = (square / (error**2 + floor**2) if weighted else square).mean()
    kl = -0.5 * (1.0 + logvar - mu**2 - logvar.exp()).sum(dim=1).mean()
    errors = reconstruction.new_zeros(())
    if with_errors:
        ratio = (error / decoded[..., 1]) ** 2
        errors = 0.5 * (ratio - ratio.log() - 1.0).mean()
    total = reconstruction + beta * _KL_SCALE * kl + error_weight * errors
    return SequenceLoss(total=total, reconstruction=reconstruction, kl=kl, errors=errors)
