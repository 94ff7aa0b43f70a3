"""Erlang and Elixir applications that are installed: `ebin/<application>.app`, in releases and in Erlang/OTP itself.

Format: app(4), https://www.erlang.org/doc/apps/kernel/app.html: `{application, Name, [{description, …}, {vsn, Version}, …]}.`
OTP's own applications have their own advisories (purl type `otp`); the others come from Hex.
"""

import re
from collections.abc import Iterator

from hullmark.detectors._formats import terms
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_VERSION = re.compile(r"v?\d[\w.+-]*")
# the applications of Erlang/OTP, past ones too: https://www.erlang.org/doc/applications
_OTP = frozenset(
    [
        "appmon",
        "asn1",
        "common_test",
        "compiler",
        "cosEvent",
        "cosEventDomain",
        "cosFileTransfer",
        "cosNotification",
        "cosProperty",
        "cosTime",
        "cosTransactions",
        "crypto",
        "debugger",
        "dialyzer",
        "diameter",
        "edoc",
        "eldap",
        "erl_docgen",
        "erl_interface",
        "erts",
        "et",
        "eunit",
        "ftp",
        "gs",
        "hipe",
        "ic",
        "inets",
        "inviso",
        "jinterface",
        "kernel",
        "megaco",
        "mnesia",
        "observer",
        "odbc",
        "orber",
        "os_mon",
        "ose",
        "otp_mibs",
        "parsetools",
        "percept",
        "pman",
        "public_key",
        "reltool",
        "runtime_tools",
        "sasl",
        "snmp",
        "ssh",
        "ssl",
        "stdlib",
        "syntax_tools",
        "test_server",
        "tftp",
        "toolbar",
        "tools",
        "tv",
        "typer",
        "webtool",
        "wx",
        "xmerl",
    ]
)
_PARTS = 3


def read(file: File) -> Iterator[Package | Unread]:
    """Give the application that a resource file describes."""
    top = terms.parse(file.text(), "%", file.limits.max_depth)
    if not (
        len(top) == 1 and isinstance(top[0], list) and len(top[0]) == _PARTS and top[0][0] == "application"
    ):
        raise MalformedError("not an application resource file")
    _, name, properties = top[0]
    version = ""
    for item in properties if isinstance(properties, list) else []:
        if (
            isinstance(item, list) and len(item) == 2 and item[0] == "vsn" and isinstance(item[1], str)
        ):  # (key, value)
            version = item[1]
    if not (isinstance(name, str) and name and _VERSION.fullmatch(version)):
        yield file.unread("application without name or version", kind="file")
        return
    yield Package(ecosystem="otp" if name in _OTP else "hex", name=name, version=version)


DETECTOR = Detector(
    name="erlang_app", version=2, wants=("**/ebin/*.app",), read=read, max_bytes=1 * 1024 * 1024
)
