"""Speech synthesis: text to speech by Kokoro, Piper or Chatterbox, sentence by sentence."""
