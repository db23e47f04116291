"""Chat and embeddings: llama.cpp, in this process, behind the contracts of llama.cpp's own server."""
