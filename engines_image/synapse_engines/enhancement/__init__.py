"""Noise reduction and conversion of recordings."""
