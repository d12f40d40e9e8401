"""`python -m agent.cli`, where the installed command is not on the path."""

from agent.cli import main

main()
