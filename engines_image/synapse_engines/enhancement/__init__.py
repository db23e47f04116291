"""Noise reduction and format conversion of recordings."""
