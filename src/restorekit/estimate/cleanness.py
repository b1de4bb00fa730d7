"""Below which level of noise, and of JPEG blocks, a picture counts as clean."""

from __future__ import annotations

# Below this level a picture counts as clean. Camera JPEGs with noise of 2 to 4/255 measure at least
# 1.4/255, and white noise of 2/255 measures more than the threshold on every test picture. Of the
# clean test pictures a quarter measure less; the others have noise, or texture that looks like it.
CLEAN = 1.2 / 255
# Uncompressed photographs measure up to 1/255, JPEGs of quality 30 at least 2/255.
BLOCKY = 1.5 / 255
# If a picture uses a smaller share of its range, noise is weak on the scale of a network without
# being weak in the picture.
LEAST_CONTRAST = 0.25
TAILS = 0.005  # share of the values at each end that is ignored: hot pixels, stars
