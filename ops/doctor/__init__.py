"""Whether a real node has what a stack needs, before anything is deployed to it."""
