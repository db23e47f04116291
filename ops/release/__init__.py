"""Release of the gateway: build a commit, deploy it by digest, verify it, and roll back on failure."""
