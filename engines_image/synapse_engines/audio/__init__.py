"""Audio: decoding, encoding, pitch and voice activity."""
