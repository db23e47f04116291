"""Checks of a real node before a deployment: everything that the stack needs from it and does not bring."""
