"""`python -m inboxagent` is the command `inboxagent`."""

if __name__ == "__main__":
    try:
        from inboxagent.cli import main

        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
