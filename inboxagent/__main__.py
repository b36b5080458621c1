"""`python -m inboxagent` is the command `inboxagent`."""

from inboxagent.cli import main

if __name__ == "__main__":
    main()
