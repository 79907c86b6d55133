"""Terms of the training losses, each returned on its own."""

from __future__ import annotations

from torch import Tensor

__all__ = ["expected_chi_square", "kl_divergence", "mean_square_difference"]


def mean_square_difference(decoded: Tensor, truth: Tensor) -> Tensor:
    r"""Mean square difference of two curves over a cycle.

    Parameters
    ----------
    decoded, truth : Tensor, shape (N, 2 K)
        Fourier coefficients.

    Returns
    -------
    Tensor, shape (N,)
        :math:`\int_0^1 (s - s')^2 d\phi = \frac12 \sum_k \Delta a_k^2 + \Delta b_k^2`
        (Parseval).
    """
    return 0.5 * ((decoded - truth) ** 2).sum(dim=1)


def expected_chi_square(decoded: Tensor, truth: Tensor, mean_variance: Tensor, floor: float) -> Tensor:
    r"""Excess of chi-square of fresh noisy points, in expectation over points and noise.

    Fresh points of the same star, N of variance :math:`\sigma^2` at random phases, have
    :math:`E[\chi^2] = N + N \int (s - s')^2 d\phi / \sigma^2`. We train on the second term
    itself: the same gradient on average as from a draw of points, without their noise.

    Parameters
    ----------
    decoded, truth : Tensor, shape (N, 2 K)
        Fourier coefficients in units of the amplitude.
    mean_variance : Tensor, shape (N,)
        :math:`\sigma^2 / N`, the variance of the mean of the points, in squared amplitudes.
    floor : float
        Error of the model itself in amplitudes, added in quadrature: without it the sharpest
        curves alone would steer the training.

    Returns
    -------
    Tensor, shape (N,)
        The excess per star.
    """
    return mean_square_difference(decoded, truth) / (mean_variance + floor**2)


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """Kullback-Leibler divergence of a diagonal Gaussian from the standard normal.

    Parameters
    ----------
    mu, logvar : Tensor, shape (N, n_latent)
        Mean and log-variance.

    Returns
    -------
    Tensor, shape (N,)
        Kingma & Welling 2014 (arXiv:1312.6114), appendix B.
    """
    return 0.5 * (mu**2 + logvar.exp() - 1.0 - logvar).sum(dim=1)
