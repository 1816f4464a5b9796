"""The ball loss, and the losses that the paper compares it with."""
