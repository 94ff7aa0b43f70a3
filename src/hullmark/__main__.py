"""`python -m hullmark` and the `hullmark` command."""

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from hullmark import __version__

        try:
            print(f"hullmark {__version__}", flush=True)  # noqa: T201  # before anything heavy is imported
        except OSError:
            pass  # what follows says that nobody takes it
        else:
            return
    from hullmark.cli.app import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
