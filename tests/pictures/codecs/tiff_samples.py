"""Random values for TIFF files."""

from __future__ import annotations

import numpy as np

RANDOM = np.random.default_rng(0)
GRAY8 = RANDOM.integers(0, 256, (6, 9), np.uint8)
