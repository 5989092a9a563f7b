"""`python -m unclip.cli` is the command too."""

from unclip.cli import main

main()
