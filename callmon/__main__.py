"""`python -m callmon`: the same as the command `callmon`."""

from callmon.cli import main

main()
