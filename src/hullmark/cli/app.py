"""The `hullmark` command: registers the sub-commands and turns errors into exit codes."""

import os
import sys
from collections.abc import Sequence

import cyclopts

from hullmark import __version__
from hullmark.cli.settings import config_sources
from hullmark.cli.terminal import configure, error, fault, nobody_reads
from hullmark.model.errors import ExitCode, HullmarkError


def _shown(default: object) -> str | None:
    """Give a default as the help shows it: none where a flag is off or empty."""
    return (" ".join(default) if isinstance(default, tuple) else str(default or "")) or None


app = cyclopts.App(
    name="hullmark",
    help="Finds what is wrong in container images and decides, by policy, whether they may sail.",
    version=f"hullmark {__version__}",
    help_format="plaintext",
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    default_parameter=cyclopts.Parameter(negative="", show_default=_shown),
)
app.command("hullmark.cli.scan:scan", name="scan", help="Scan images and say what is vulnerable in them.")
app.command("hullmark.cli.sbom:sbom", name="sbom", help="List the packages of an image.")
app.command("hullmark.cli.database:app", name="db", help="Build the advisory database, see what is in it.")
app.command("hullmark.cli.cache:app", name="cache", help="See, prune and clear what is remembered of layers.")
app.command(
    "hullmark.cli.config:config",
    name="config",
    help="Show every setting, its value and where that comes from.",
)
if "--install-completion" in sys.argv:
    # Not always, since it imports a shell's worth of templates. A shell's own start file is its user's affair.
    app.register_install_completion_command(add_to_startup=False)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; give the process's exit code."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # it was closed; no file of ours may get its number
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    configure(quiet=False, json_log="--json-log" in arguments)
    try:
        app.config = config_sources()
        if arguments[:1] in (["scan"], ["sbom"]) and {"--help", "-h"} & set(arguments):
            from hullmark.cli.reading import prefixes_said

            app[arguments[0]].help_epilogue = prefixes_said()
        result = app(arguments, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except cyclopts.CycloptsError as problem:
        error(" ".join(str(problem).split()), hint="hullmark --help")
        return ExitCode.USAGE
    except HullmarkError as problem:
        error(problem.what, where=problem.where, hint=problem.hint)
        return problem.exit_code
    except KeyboardInterrupt:
        error("interrupted")
        return 130
    except BrokenPipeError:
        nobody_reads(sys.stdout)
        return ExitCode.CLEAN
    except Exception as problem:  # noqa: BLE001  # a fault of ours must not look like Python's
        told = fault(problem)
        error(told.what, hint=told.hint)
        return told.exit_code
    return result if isinstance(result, int) else ExitCode.CLEAN
