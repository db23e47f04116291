"""Tests of the dashboard and the API reference in a real browser."""
