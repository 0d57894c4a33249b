"""`python -m callmon`: the same as the command `callmon`."""

from callmon.main import main

main()
