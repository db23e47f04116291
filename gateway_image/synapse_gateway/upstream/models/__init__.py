"""Dynamic model lifecycles: models of a llama.cpp router, and engines that sleep."""
