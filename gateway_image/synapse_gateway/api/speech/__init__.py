"""Text to speech: endpoints, the choice of backends, and the request format of each kind of backend."""
