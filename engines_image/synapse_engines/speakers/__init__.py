"""Speaker diarization and speaker verification."""
