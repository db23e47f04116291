"""Pins of images: which of them are behind the newest release in their registry."""
