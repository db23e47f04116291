"""Models as files: converted, generated, or fetched."""
