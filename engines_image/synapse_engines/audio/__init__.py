"""Audio: decoding, encoding and voice activity."""
