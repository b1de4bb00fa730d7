"""The plugin system: registries, signatures, discovery of plugins, isolation of their code."""
