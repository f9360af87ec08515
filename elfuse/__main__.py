"""`python -m elfuse`: the command."""

from elfuse.cli.main import main

if __name__ == "__main__":
    main()
