"""`python -m elfuse`: the command."""

from elfuse.cli.entry import main

if __name__ == "__main__":
    main()
