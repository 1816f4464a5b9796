"""Trained models: a head on top of fixed features, and its file."""
