"""Text to speech: what is wanted, who can say it, and how each kind of backend is asked."""
