"""Invented people in invented films, with the paper's statistics."""
