"""Models that come and go: those of a llama.cpp router, and those of an engine that sleeps."""
