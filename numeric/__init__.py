"""Expansions in numbers: kernels for numpy, torch and mpmath, samples of the data, cubature."""

from __future__ import annotations

from numeric.cubature import gaussian_cubature
from numeric.kernels import Kernel, kernel
from numeric.moments import moment_value

__all__ = ["Kernel", "gaussian_cubature", "kernel", "moment_value"]
