"""Bounded, seeded campaigns against the package: `make fuzz` runs each module here."""
