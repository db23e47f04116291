"""What runs inside a cluster's node, and what it shares with the host side: each program here starts fast and small."""
