"""Models in memory: loaded at first use, unloaded when idle."""
