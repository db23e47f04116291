"""Smoke test of a running gateway: each check is a request and a test of the response."""
