"""Recordings: decoded, encoded, and looked at."""
