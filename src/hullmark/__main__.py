"""`python -m hullmark` and the `hullmark` command."""

import os
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
    _import_msgspec()
    from hullmark.cli.app import run

    code = run(arguments)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        # All is written and closed: to take a large report apart object by object would only take time.
        os._exit(code)


def _import_msgspec() -> None:
    """Import it without `typing_extensions`, which takes a tenth of a warm scan and from Python 3.11 on gives it nothing that it needs."""
    name = "typing_extensions"
    if name not in sys.modules:
        sys.modules[name] = None  # type: ignore[assignment]  # as the import system has what is not to be found
        import msgspec  # noqa: F401

        del sys.modules[name]


if __name__ == "__main__":
    main()
