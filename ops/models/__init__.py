"""The models of a stack as files: where each lives, how it gets there, and what its own header says of it."""
