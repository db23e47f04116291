"""The gateway's benchmark and its soaks: a stub in the backend's place, a load client, and peers beside the gateway."""
