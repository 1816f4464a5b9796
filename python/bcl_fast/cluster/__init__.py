"""Exact clustering of any embeddings in bounded memory."""
