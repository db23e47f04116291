"""Chat and embeddings with llama.cpp in this process, with the API of llama.cpp's own server."""
