"""``python -m bcl_fast``: the command line."""

from bcl_fast.cli._app import main

main()
