"""Programs inside a cluster's node, and definitions they share with the host; they import little, to start fast."""
