"""Many training runs: what they have in common, how they differ, and grids of them."""
