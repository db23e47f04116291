"""Benchmark of the engines with synthetic voices of espeak-ng."""
