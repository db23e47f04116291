"""Who speaks: recordings cut where the voice changes, and voices compared."""
