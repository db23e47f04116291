"""The move of one consumer, step by step on a cluster: verified, resumable, and with a way back."""
