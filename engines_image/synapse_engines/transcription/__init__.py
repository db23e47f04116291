"""Speech recognition (speech to text)."""
