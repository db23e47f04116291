"""What the twin and the real cluster have in common: credentials, processes, the control plane and calls to it."""
