"""``python -m bcl_fast``: the command line."""

from bcl_fast.cli import main

main()
