"""Long short-term memory network (LSTM) in numpy, with PyTorch's order of the gates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class LstmLayer:
    """Weights of a layer with *n* cells: *input* (features, 4n), *recurrent* (n, 4n), *bias* (4n)."""

    input: Matrix
    recurrent: Matrix
    bias: Matrix

    def run(self, sequences: Matrix) -> Matrix:
        """Return the outputs (batch, steps, n) for *sequences* (batch, steps, features)."""
        batch, steps, _ = sequences.shape
        cells = len(self.recurrent)
        gates = sequences @ self.input + self.bias
        outputs = np.empty((batch, steps, cells), np.float32)
        output, cell = np.zeros((batch, cells), np.float32), np.zeros((batch, cells), np.float32)
        for step in range(steps):
            enter, forget, change, leave = np.split(gates[:, step] + output @ self.recurrent, 4, axis=1)
            cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(change)
            output = _sigmoid(leave) * np.tanh(cell)
            outputs[:, step] = output
        return outputs


def lstm_layers(tensors: Mapping[str, Matrix], count: int) -> Sequence[LstmLayer]:
    """Return the layers `lstm.*_l0` to `lstm.*_l(count - 1)` of a PyTorch state. Raises KeyError."""
    return [
        LstmLayer(
            np.ascontiguousarray(tensors[f"lstm.weight_ih_l{number}"].T),
            np.ascontiguousarray(tensors[f"lstm.weight_hh_l{number}"].T),
            tensors[f"lstm.bias_ih_l{number}"] + tensors[f"lstm.bias_hh_l{number}"],
        )
        for number in range(count)
    ]


def _sigmoid(values: Matrix) -> Matrix:
    # tanh does not overflow, unlike exp.
    result: Matrix = np.float32(0.5) * np.tanh(np.float32(0.5) * values) + np.float32(0.5)
    return result
