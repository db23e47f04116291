"""Benchmark and soak tests of the gateway: a stub backend, a load client, and the proxies it is compared with."""
