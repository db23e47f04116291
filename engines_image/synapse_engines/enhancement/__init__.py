"""Recordings without noise, or in another format."""
