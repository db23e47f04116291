"""Speech synthesis (text to speech) with espeak-ng."""
