"""Benchmark of the engines with the voices of Kokoro."""
