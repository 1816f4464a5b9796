"""The command line: parse, call, print."""

from bcl_fast.cli._app import app, main

__all__ = ["app", "main"]
