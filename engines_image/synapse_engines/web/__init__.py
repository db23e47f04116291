"""What the engines have in common as HTTP servers."""
