"""Scores of clusterings, and the threshold that gives a precision."""
