"""Training on labelled tracks."""
