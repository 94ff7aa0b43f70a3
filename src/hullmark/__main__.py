"""`python -m hullmark` and the `hullmark` command."""

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from hullmark import __version__

        print(f"hullmark {__version__}")  # noqa: T201  # answered before anything heavy is imported
        return
    from hullmark.cli.app import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
