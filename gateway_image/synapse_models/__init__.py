"""Download models to the disk of a service: `synapse-models`, which `synapse models pull` runs in a pod."""
