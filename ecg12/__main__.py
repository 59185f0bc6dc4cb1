"""Command line: python -m ecg12 COMMAND."""

from ecg12.cli.main import main

if __name__ == "__main__":
    main()
