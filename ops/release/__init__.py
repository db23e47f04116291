"""A release: which commit, whether its pods are what was released, and how it ended."""
