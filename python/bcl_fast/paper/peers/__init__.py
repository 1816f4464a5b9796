"""Other clusterings to compare with."""
