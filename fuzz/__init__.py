"""Bounded, seeded campaigns against the package: `make fuzz` runs them."""
