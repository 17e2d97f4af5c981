"""``python -m dechrome.cli``."""

from dechrome.cli import main

if __name__ == "__main__":
    main()
