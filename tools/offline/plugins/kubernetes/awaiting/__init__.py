"""Conditions under which the official provider takes an object for ready, one module for each kind."""
