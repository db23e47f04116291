"""The models of a stack as files: their places, their downloads, and the figures in their headers."""
