"""Model files: converted, generated and downloaded."""
