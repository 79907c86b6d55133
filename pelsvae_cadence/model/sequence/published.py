"""The four networks published with the PELS-VAE paper, as source models that meet a cadence.

Martinez-Palomera, Bloom & Abrahams 2020 (arXiv:2005.07773). The weights are the authors' (MIT
licence) and do not come with this package: give the folder that holds them. They serve to compare
with the published model; what they lack is said by a `PublishedWarning`.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError

from pelsvae_cadence.classes import STAR_CLASSES, is_binary
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.model.reference_stars import class_index
from pelsvae_cadence.model.sequence.curves import SequenceCurves, decode_curves, decode_steps
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    import torch

    from pelsvae_cadence.model.sequence.networks import SequenceConfig

__all__ = ["PUBLISHED_NETWORKS", "PublishedNetwork", "PublishedWarning"]

FloatArray = npt.NDArray[np.float64]

#: The published networks and what their encoders are conditioned on.
PUBLISHED_NETWORKS: Final[dict[str, str]] = {
    "yp4qdw1r": "TCN, 9 blocks, 4 latent dimensions; class, period, Teff and M_G",
    "b68z1hwo": "TCN, 9 blocks, 4 latent dimensions; class",
    "7q2bduwv": "TCN, 8 blocks, 6 latent dimensions; class, period, Teff and M_G",
    "cfwyf4zg": "GRU, 2 layers, 6 latent dimensions; class",
}

# Names of the published tensors and ours. Weight normalisation has other names since torch 2.
_NAMES: Final = (
    ("enc_tcn.network.", "encoder.sequence.blocks."),
    ("dec_tcn.network.", "decoder.sequence.blocks."),
    ("enc_lstm.", "encoder.sequence.cells."),
    ("dec_lstm.", "decoder.sequence.cells."),
    ("enc_linear.", "encoder.dense."),
    ("enc_linear_mu.", "encoder.mu."),
    ("enc_linear_std.", "encoder.logvar."),
    ("dec_linear.", "decoder.output."),
    (".weight_g", ".parametrizations.weight.original0"),
    (".weight_v", ".parametrizations.weight.original1"),
)
# Fields of the published configuration that the tensors must bear out.
_FIELDS: Final = (
    ("architecture", "layers"),
    ("hidden_size", "hidden"),
    ("num_layers", "n_layers"),
    ("latent_dim", "n_latent"),
    ("label_dim", "n_classes"),
    ("physics_dim", "n_physics"),
    ("sequence_lenght", "n_steps"),  # spelt so in the published files
)


class PublishedWarning(UserWarning):
    """What a published network cannot do."""


class PublishedNetwork:
    """A published network, decoded on its training grid only.

    Use `load`.

    Parameters
    ----------
    name : str
        Name of the network.
    tensors : dict of str to torch.Tensor
        Its tensors under their published names.
    digest : str
        SHA-256 of the file.
    posterior : dict of str to ndarray, optional
        Posterior ``mu`` and ``std``, shape (N, n_latent), and ``label``, shape (N,), of training
        light curves, from which `draw_latent` draws.

    Attributes
    ----------
    name : str
        Name of the network.
    config : SequenceConfig
        Architecture, read off the tensors.
    vae : SequenceVAE
        The network.
    hash : str
        SHA-256 of the file.
    n_latent : int
        Latent dimensions.

    Raises
    ------
    InputError
        If the tensors are not those of a published network.
    """

    def __init__(
        self,
        name: str,
        tensors: dict[str, torch.Tensor],
        digest: str,
        posterior: dict[str, npt.NDArray[Any]] | None = None,
    ) -> None:
        from pelsvae_cadence.model.sequence.networks import SequenceVAE

        self.name = name
        self.hash = digest
        self.config = _read_off(name, tensors)
        self.n_latent = self.config.n_latent
        self.vae = SequenceVAE(self.config).eval()
        found = {_our_name(key): value for key, value in tensors.items()}
        wanted, shapes = ({k: v.shape for k, v in d.items()} for d in (self.vae.state_dict(), found))
        wrong = sorted(key for key in {**wanted, **shapes} if wanted.get(key) != shapes.get(key))
        if wrong:
            raise InputError(
                f"network {name!r} has missing, foreign or misshapen tensors ({len(wrong)}, first "
                f"{wrong[0]!r})",
                remedy="Fetch the file again.",
            )
        self.vae.load_state_dict(found, strict=True)
        self._posterior = _checked_posterior(name, posterior, self.n_latent)

    @classmethod
    def load(cls, folder: str | Path, name: str = "yp4qdw1r") -> PublishedNetwork:
        """Load a published network from a folder.

        Parameters
        ----------
        folder : str or Path
            Holds ``pelsvae_<name>.safetensors`` with ``pelsvae_<name>.json`` beside it, or the
            authors' own ``VAE_model_<name>.pt``. ``latent_<name>.npz`` is read too where it is
            there.
        name : str
            One of `PUBLISHED_NETWORKS`.

        Returns
        -------
        PublishedNetwork
            The network, on the CPU.

        Raises
        ------
        InputError
            If the name is unknown, or a file is missing, damaged or another network's.

        Warns
        -----
        PublishedWarning
            Always: physics does not reach the decoder, and amplitudes are not modelled.

        Notes
        -----
        A ``.pt`` file is read by torch's restricted reader (``weights_only=True``), which takes
        tensors and nothing that could run code.
        """
        if name not in PUBLISHED_NETWORKS:
            raise InputError(f"unknown published network {name!r}", allowed=", ".join(PUBLISHED_NETWORKS))
        place = Path(folder)
        tables, checkpoint = place / f"pelsvae_{name}.safetensors", place / f"VAE_model_{name}.pt"
        file = tables if tables.is_file() else checkpoint
        if not file.is_file():
            raise InputError(
                f"folder {str(place)!r} has neither {tables.name} nor {checkpoint.name}",
                remedy="Fetch the weights that the paper's authors publish.",
            )
        data = file.read_bytes()
        tensors = _read_checkpoint(file) if file is checkpoint else _read_tables(file, data)
        library = place / f"latent_{name}.npz"
        posterior = None
        if library.is_file():
            with np.load(library, allow_pickle=False) as table:
                posterior = {key: table[key] for key in table.files}
        network = cls(name, tensors, hashlib.sha256(data).hexdigest(), posterior)
        _check_card(file.with_suffix(".json"), name, network.config)
        warnings.warn(
            f"published network {name}: physical parameters do not reach its decoder, so shapes "
            "follow class and z alone; amplitudes in magnitudes were discarded in training",
            PublishedWarning,
            stacklevel=2,
        )
        return network

    def __repr__(self) -> str:
        return f"<PublishedNetwork {self.name!r}: {PUBLISHED_NETWORKS.get(self.name, 'own')}>"

    def decode_steps(self, latent: npt.ArrayLike, star_class: npt.ArrayLike) -> FloatArray:
        """Decode to the 600 steps that the network was trained on.

        Parameters
        ----------
        latent : array_like, shape (N, n_latent)
            Latent coordinates.
        star_class : array_like of str, shape (N,)
            Classes.

        Returns
        -------
        ndarray of float64, shape (N, 600)
            Normalised magnitudes (0 = bright, 1 = faint), two periods.

        Raises
        ------
        InputError
            On wrong shapes or unknown classes.
        """
        return decode_steps(self.vae.decoder, latent, star_class)

    def decode(
        self, latent: npt.ArrayLike, star_class: npt.ArrayLike, *, n_harmonics: int = 64
    ) -> SequenceCurves:
        """Decode to periodic curves.

        Parameters
        ----------
        latent : array_like, shape (N, n_latent)
            Latent coordinates.
        star_class : array_like of str, shape (N,)
            Classes.
        n_harmonics : int
            Harmonics of the curves, 149 at most.

        Returns
        -------
        SequenceCurves
            The curves and how far the network's output was from them.

        Raises
        ------
        InputError
            On wrong shapes, unknown classes or a constant output.

        Warns
        -----
        PublishedWarning
            If there are ECL or ELL, or curves that do not close or repeat.
        """
        result = decode_curves(self.vae.decoder, latent, star_class, n_harmonics=n_harmonics)
        n_binaries = sum(is_binary(str(c)) for c in np.atleast_1d(np.asarray(star_class)))
        bad = int((~result.sound).sum())
        halves = (
            f"published network {self.name} repeats half a period for ECL and ELL: {n_binaries} stars "
            "get nearly equal minima and broadened eclipses"
        )
        unsound = (
            f"{bad} of {len(result.curves)} curves of published network {self.name} are not sound (see "
            "SequenceCurves.sound)"
        )
        for problem in [halves] * (n_binaries > 0) + [unsound] * (bad > 0):
            warnings.warn(problem, PublishedWarning, stacklevel=2)
        return result

    def draw_latent(self, star_class: npt.ArrayLike, star_id: npt.ArrayLike, *, seed: int = 0) -> FloatArray:
        """Draw latent coordinates from the posteriors of training light curves.

        A star gets a light curve of its class at random and a draw from its posterior, both
        addressed by (seed, star_id).

        Parameters
        ----------
        star_class : array_like of str, shape (N,)
            Classes.
        star_id : array_like of int, shape (N,)
            Numbers of the stars.
        seed : int
            Seed of the draws.

        Returns
        -------
        ndarray of float64, shape (N, n_latent)
            Latent coordinates.

        Raises
        ------
        InputError
            If the network has no ``latent_<name>.npz``, or none of a class.
        """
        if self._posterior is None:
            raise InputError(
                f"network {self.name!r} has no posteriors to draw from",
                remedy=f"Give latent coordinates, or put latent_{self.name}.npz beside the weights.",
            )
        kind = class_index(np.atleast_1d(star_class))
        ids = np.atleast_1d(np.asarray(star_id, dtype=np.int64))
        if ids.shape != kind.shape:
            raise InputError(f"{ids.size} star_id for {kind.size} classes")
        random = KeyedRandom(seed=seed)
        label = self._posterior["label"]
        which = random.uniform("published light curve", ids)
        row = np.empty(ids.size, dtype=np.int64)
        for k in np.unique(kind):
            own = np.flatnonzero(label == k)
            if not own.size:
                raise InputError(f"network {self.name!r} has no posterior of {STAR_CLASSES[k]}")
            mine = kind == k
            row[mine] = own[(which[mine] * own.size).astype(np.int64)]
        noise = random.normal("published latent", ids[:, None], np.arange(self.n_latent))
        return np.asarray(self._posterior["mu"][row] + self._posterior["std"][row] * noise)

    def phase_curve(self, stars: Stars, *, seed: int = 0, n_harmonics: int = 64) -> PhaseCurve:
        """Decode the phase curves of stars, once per star and without any visits.

        Parameters
        ----------
        stars : Stars
            Stars; only star_id, class and latent matter. Where `latent` is None it is drawn.
        seed : int
            Seed of those draws.
        n_harmonics : int
            Harmonics of the curves, 149 at most.

        Returns
        -------
        PhaseCurve
            Mean-zero shapes of unit peak-to-peak amplitude, in I; phase zero is maximum light,
            or the primary minimum of ECL and ELL.

        Raises
        ------
        InputError
            On latent coordinates of another model, or none to draw.

        Warns
        -----
        PublishedWarning
            See `decode`.
        """
        latent = stars.latent
        if latent is None:
            latent = self.draw_latent(stars.star_class, stars.star_id, seed=seed)
        return self.decode(latent, stars.star_class, n_harmonics=n_harmonics).curves


def _our_name(key: str) -> str:
    for theirs, ours in _NAMES:
        key = key.replace(theirs, ours)
    return key


def _read_tables(file: Path, data: bytes) -> dict[str, torch.Tensor]:
    from safetensors.torch import load

    try:
        return load(data)
    except SafetensorError as error:
        raise InputError(f"{file.name} cannot be read: {error}", remedy="Fetch the file again.") from error


def _read_checkpoint(file: Path) -> dict[str, torch.Tensor]:
    import torch

    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"{file.name} is not a file of tensors", remedy="Fetch the file again.") from error
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise InputError(f"{file.name} holds something other than tensors")
    # Networks trained on several devices carry this prefix.
    return {str(key).removeprefix("module."): value for key, value in state.items()}


def _read_off(name: str, tensors: dict[str, torch.Tensor]) -> SequenceConfig:
    """Read the architecture off the shapes: a published checkpoint carries no configuration."""
    from pelsvae_cadence.model.sequence.networks import Layers, SequenceConfig

    shapes = {key: tuple(value.shape) for key, value in tensors.items()}
    try:
        n_latent = shapes["enc_linear_mu.weight"][0]
        dense, joined = shapes["enc_linear.0.weight"]
        first = "enc_tcn.network.0.conv1.weight_v"
        layers: Layers
        if first in shapes:
            layers, kernel_size, n_inputs = "tcn", shapes[first][2], shapes[first][1]
            n_layers = sum(1 for k in shapes if k.startswith("enc_tcn.") and "conv1.bias" in k)
            hidden = shapes[f"enc_tcn.network.{n_layers - 1}.conv1.bias"][0]
            read = shapes["dec_tcn.network.0.conv1.weight_v"][1]
        else:
            hidden = shapes["enc_lstm.weight_hh_l0"][1]
            layers = "gru" if shapes["enc_lstm.weight_hh_l0"][0] == 3 * hidden else "lstm"
            n_inputs = shapes["enc_lstm.weight_ih_l0"][1]
            n_layers = sum(1 for k in shapes if k.startswith("enc_lstm.weight_hh_l"))
            kernel_size, read = 5, shapes["dec_lstm.weight_ih_l0"][1]
    except (KeyError, IndexError, ValueError) as error:
        raise InputError(f"{name!r} is no published network: it lacks {error}") from error
    n_classes = len(STAR_CLASSES)
    n_physics = joined - hidden - n_classes
    return SequenceConfig(
        layers=layers,
        n_layers=n_layers,
        hidden=hidden,
        kernel_size=kernel_size,
        n_latent=n_latent,
        n_classes=n_classes,
        n_physics=n_physics,
        dense=(dense,),
        physics_in_decoder=n_physics > 0 and read == 1 + n_latent + n_classes + n_physics,
        n_inputs=n_inputs,
    )


def _check_card(file: Path, name: str, config: SequenceConfig) -> None:
    if not file.is_file():
        return
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file.name} is not JSON: {error}") from error
    if not isinstance(card, dict):
        raise InputError(f"{file.name} is not a JSON object")
    for theirs, ours in _FIELDS:
        said, found = card.get(theirs), getattr(config, ours)
        if theirs in card and said != found:
            raise InputError(
                f"{file.name} says {theirs} = {said!r}, the tensors of {name} say {found!r}",
                remedy="The two files belong to different networks.",
            )
    if tuple(card.get("class_order", STAR_CLASSES)) != STAR_CLASSES:
        raise InputError(f"{file.name} has another order of classes", allowed=str(STAR_CLASSES))


def _checked_posterior(
    name: str, posterior: dict[str, npt.NDArray[Any]] | None, n_latent: int
) -> dict[str, npt.NDArray[Any]] | None:
    if posterior is None:
        return None
    try:
        n, shapes = len(posterior["label"]), {key: posterior[key].shape for key in ("mu", "std")}
    except KeyError as error:
        raise InputError(f"the posteriors of {name!r} lack {error}") from error
    for key, shape in shapes.items():
        if shape != (n, n_latent):
            raise InputError(f"posterior {key} of {name!r} has shape {shape}, expected ({n}, {n_latent})")
    return posterior
