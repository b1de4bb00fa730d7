"""Large images tile by tile: how large tiles are, where they lie, and how they are joined."""
