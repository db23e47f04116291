"""Benchmarks: the preview of a stack, and the models of a deployed stack through the gateway and directly."""
