"""Files with the parameters of metrics: statistics of photographs, and regressions."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restorekit.errors import CheckpointError, in_one_line
from restorekit.extras import needs
from restorekit.storage.torch_files import load_tensors

_FEATURES = 36
_MOST_BYTES = 4_000_000  # such a file has less than half of a megabyte
_PIQ_GAMMA, _PIQ_OFFSET = 0.05, -153.591  # not in the file of piq

# The smallest and the largest value of each feature of BRISQUE, from the authors' `allrange`.
FEATURE_RANGES = (
    *((0.338, 10.0), (0.017204, 0.806612)),
    *((0.236, 1.642), (-0.123884, 0.20293), (0.000155, 0.712298), (0.001122, 0.470257)),
    *((0.244, 1.641), (-0.123586, 0.179083), (0.000152, 0.710456), (0.000975, 0.470984)),
    *((0.249, 1.555), (-0.135687, 0.100858), (0.000174, 0.684173), (0.000913, 0.534174)),
    *((0.258, 1.561), (-0.143408, 0.100486), (0.000179, 0.685696), (0.000888, 0.536508)),
    *((0.471, 3.264), (0.012809, 0.703171)),
    *((0.218, 1.046), (-0.094876, 0.187459), (0.000015, 0.442057), (0.001272, 0.40803)),
    *((0.222, 1.042), (-0.115772, 0.162604), (0.000016, 0.444362), (0.001374, 0.40243)),
    *((0.227, 0.996), (-0.117188, 0.098323), (0.00003, 0.531903), (0.001122, 0.369589)),
    *((0.228, 0.99), (-0.12243, 0.098658), (0.000028, 0.530092), (0.001118, 0.370399)),
)


@dataclass(frozen=True)
class Regression:
    """A support vector regression with a radial kernel.

    Attributes:
        vectors: the support vectors, (n, 36) in float64.
        coefficients: the weight of each, (n,) in float64.
        gamma: the kernel is exp(-gamma * squared distance).
        offset: subtracted from the weighted sum.
    """

    vectors: Tensor
    coefficients: Tensor
    gamma: float
    offset: float


def read_regression(path: str) -> Regression:
    """The regression of BRISQUE: a text file of libsvm, or the weights file of piq.

    Raises:
        CheckpointError: the file cannot be read, or is neither of these.
    """
    content = _content(path, "brisque")
    try:
        if content.startswith((b"svm_type", b"PK")):
            return _of_libsvm(content) if content[:1] == b"s" else _of_piq(path)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        reason = in_one_line(error)
        raise CheckpointError(f"'{path}' has no regression of BRISQUE: {reason}") from error
    raise CheckpointError(
        f"'{path}' has no regression of BRISQUE: neither a model of libsvm nor weights of piq"
    )


def read_scene_statistics(path: str) -> tuple[Tensor, Tensor]:
    """The mean (36,) and the covariance (36, 36) of NIQE's features, in float64.

    Raises:
        CheckpointError: the file cannot be read, or has no such statistics.
        MissingExtraError: it is a .mat file and scipy is not installed.
    """
    content = _content(path, "niqe")
    is_matlab = content.startswith(b"MATLAB")
    if is_matlab:
        matlab = needs("scipy.io", "quality", "reading a .mat file")
    try:
        # Neither runs what is in a file: pickled objects are refused.
        arrays = (
            matlab.loadmat(io.BytesIO(content))
            if is_matlab
            else np.load(io.BytesIO(content), allow_pickle=False)
        )
        mean = _array(arrays, "mu_pris").reshape(_FEATURES)
        covariance = _array(arrays, "cov_pris").reshape(_FEATURES, _FEATURES)
    except Exception as error:  # a damaged file raises many types
        reason = in_one_line(error)
        raise CheckpointError(f"'{path}' has no statistics of NIQE: {reason}") from error
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise CheckpointError(f"'{path}' has no statistics of NIQE: a value is not finite")
    return torch.from_numpy(mean), torch.from_numpy(covariance)


def _array(arrays: Mapping[str, np.ndarray], start: str) -> np.ndarray:
    """The array of a file whose name begins in a certain way; the spelling of the rest differs."""
    for name in arrays:
        if name.startswith(start):
            return np.asarray(arrays[name], np.float64)
    raise ValueError(f"no array {start}_param")


def _content(path: str, metric: str) -> bytes:
    """The bytes of a parameter file.

    Raises:
        CheckpointError: it does not exist, or is far larger than such a file.
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointError(f"'{path}' does not exist; {metric} downloads no parameters")
    if (size := file.stat().st_size) > _MOST_BYTES:
        raise CheckpointError(f"'{path}' has {size:,} bytes, too many for parameters of {metric}")
    return file.read_bytes()


def _of_piq(path: str) -> Regression:
    coefficients, vectors = load_tensors(path, "parameters of brisque")
    return _checked(vectors.double(), coefficients.double().flatten(), _PIQ_GAMMA, _PIQ_OFFSET)


def _of_libsvm(content: bytes) -> Regression:
    """The regression of libsvm's text: lines of the head, "SV", then a line for each vector."""
    head, _, body = content.decode("ascii").replace("\r\n", "\n").partition("\nSV\n")
    fields = dict(line.split(None, 1) for line in head.splitlines())
    kind = fields["svm_type"].strip(), fields["kernel_type"].strip()
    if kind not in (("epsilon_svr", "rbf"), ("nu_svr", "rbf")):
        raise ValueError(f"{kind[0]} with the kernel {kind[1]}, not a regression with rbf")
    rows = [line.split() for line in body.splitlines() if line.strip()]
    vectors = torch.zeros(len(rows), _FEATURES, dtype=torch.float64)
    for number, row in enumerate(rows):
        for word in row[1:]:
            place, _, value = word.partition(":")
            if not 1 <= int(place) <= _FEATURES:
                raise ValueError(f"feature {place} of {_FEATURES}")
            vectors[number, int(place) - 1] = float(value)
    coefficients = torch.tensor([float(row[0]) for row in rows], dtype=torch.float64)
    return _checked(vectors, coefficients, float(fields["gamma"]), float(fields["rho"]))


def _checked(vectors: Tensor, coefficients: Tensor, gamma: float, offset: float) -> Regression:
    if vectors.shape != (len(coefficients), _FEATURES) or not len(coefficients):
        raise ValueError(f"support vectors {tuple(vectors.shape)}, not (n, {_FEATURES})")
    if not (vectors.isfinite().all() and coefficients.isfinite().all()):
        raise ValueError("a value is not finite")
    return Regression(vectors, coefficients, gamma, offset)
