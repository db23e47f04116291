"""Control plane of the twin and of the real cluster: credentials, processes and API client."""
