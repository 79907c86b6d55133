"""Layers that read a sequence step by step: causal convolutions, GRU and LSTM.

All are causal: the state after a step depends on that step and those before it.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

__all__ = ["CausalBlock", "CausalConvolutions", "RecurrentLayers"]


class CausalBlock(nn.Module):
    """Residual block of two causal dilated convolutions (Bai, Kolter & Koltun 2018, section 3).

    Each convolution has weight normalisation, ReLU and dropout; a 1 x 1 convolution takes the
    input along where the number of channels changes. See arXiv:1803.01271, figure 1.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    kernel_size, dilation : int
        Length of the convolutions and distance of their taps.
    dropout : float
        Probability of dropout.
    """

    def __init__(self, n_in: int, n_out: int, kernel_size: int, dilation: int, dropout: float) -> None:
        super().__init__()
        # Zeros on the left only: a step sees itself and its past.
        self.padding = (kernel_size - 1) * dilation
        convolutions = [nn.Conv1d(n, n_out, kernel_size, dilation=dilation) for n in (n_in, n_out)]
        self.downsample = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else None
        # The published normal of width 0.01 (so are the 1 x 1 ones) leaves stacked blocks without
        # signal: training then spends thousands of steps on the mean curve of a class. He et al.
        # 2015 (arXiv:1502.01852), eq. 10, keeps its variance.
        for convolution in convolutions:
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        if self.downsample is not None:
            nn.init.normal_(self.downsample.weight, std=0.01)
        self.conv1, self.conv2 = (weight_norm(convolution) for convolution in convolutions)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Parameters
        ----------
        x : Tensor, shape (N, n_in, n_steps)
            Sequences.

        Returns
        -------
        Tensor, shape (N, n_out, n_steps)
            Sequences of the same length.
        """
        y = x
        for convolution in (self.conv1, self.conv2):
            y = convolution(nn.functional.pad(y, (self.padding, 0)))
            y = self.dropout(nn.functional.relu(y))
        along = x if self.downsample is None else self.downsample(x)
        return nn.functional.relu(y + along)


class CausalConvolutions(nn.Module):
    """Temporal convolutional network: causal blocks with dilations 1, 2, 4, ...

    Parameters
    ----------
    n_in : int
        Features of a step.
    channels : tuple of int
        Channels of the blocks.
    kernel_size : int
        Length of the convolutions.
    dropout : float
        Probability of dropout.
    """

    def __init__(self, n_in: int, channels: tuple[int, ...], kernel_size: int, dropout: float) -> None:
        super().__init__()
        self.n_out = channels[-1]
        self.blocks = nn.Sequential(
            *(
                CausalBlock(a, b, kernel_size, 2**i, dropout)
                for i, (a, b) in enumerate(zip((n_in, *channels[:-1]), channels, strict=True))
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Read sequences.

        Parameters
        ----------
        x : Tensor, shape (N, n_steps, n_in)
            Sequences.

        Returns
        -------
        Tensor, shape (N, n_steps, n_out)
            State after each step.
        """
        out: Tensor = self.blocks(x.transpose(1, 2))
        return out.transpose(1, 2)


class RecurrentLayers(nn.Module):
    """Stacked GRU (Cho et al. 2014) or LSTM (Hochreiter & Schmidhuber 1997) layers.

    Parameters
    ----------
    kind : {"gru", "lstm"}
        Kind of cell.
    n_in : int
        Features of a step.
    hidden, n_layers : int
        Width of the state and number of layers.
    dropout : float
        Probability of dropout between layers.
    """

    def __init__(
        self, kind: Literal["gru", "lstm"], n_in: int, hidden: int, n_layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.n_out = hidden
        cell: type[nn.GRU | nn.LSTM] = nn.GRU if kind == "gru" else nn.LSTM
        between = dropout if n_layers > 1 else 0.0
        self.cells = cell(n_in, hidden, n_layers, batch_first=True, dropout=between)
        for name, parameter in self.cells.named_parameters():
            if "bias" in name:
                # The published normal of width 1 saturates gates before anything is learned.
                nn.init.zeros_(parameter)
            else:
                nn.init.xavier_normal_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Read sequences.

        Parameters
        ----------
        x : Tensor, shape (N, n_steps, n_in)
            Sequences.

        Returns
        -------
        Tensor, shape (N, n_steps, hidden)
            State after each step.
        """
        out: Tensor = self.cells(x)[0]
        return out
