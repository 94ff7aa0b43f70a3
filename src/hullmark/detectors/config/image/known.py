"""Paths whose mere presence tells something: the walk asks `is_known` for each, so it is two look-ups in a table."""

from hullmark.detectors.config.image._words import words

PACKAGE_MANAGERS = words("apk apt apt-get aptitude dnf dnf5 dpkg microdnf opkg pacman rpm tdnf yum zypper")
SHELLS = words("ash bash busybox csh dash fish ksh sh tcsh zsh")
TOOLS = {
    "compiler": words("as c++ cc clang cpp g++ gcc go javac ld make rustc"),
    "debugger": words("dlv gdb gdbserver lldb ltrace strace valgrind"),
    "network tool": words(
        "dig ftp masscan nc nc.openbsd nc.traditional ncat netcat nmap rsh socat tcpdump telnet tshark"
    ),
}
PROGRAM_FOLDERS = frozenset(
    ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin", "usr/lib/systemd", "busybox")
)
LISTS = (
    "var/lib/apt/lists",
    "var/cache/apt/archives",
    "var/cache/apk",
    "var/cache/dnf",
    "var/cache/yum",
    "var/cache/zypp",
    "lib/apk/cache",
)
LEFT_BEHIND = {
    "HEAD": ".git",
    "entries": ".svn",
    "hgrc": ".hg",
    "settings.json": ".vscode",
    "launch.json": ".vscode",
    "tasks.json": ".vscode",
    "extensions.json": ".vscode",
    "workspace.xml": ".idea",
    "modules.xml": ".idea",
    "misc.xml": ".idea",
    "vcs.xml": ".idea",
    "Dockerfile": "",
    "Containerfile": "",
    "docker-compose.yml": "",
    "docker-compose.yaml": "",
    "compose.yaml": "",
    ".vimrc": "",
    ".DS_Store": "",
}
"""The base name of what does not belong in an image, and the folder that it must stand in (any when empty)."""

_PROGRAMS = PACKAGE_MANAGERS | SHELLS | frozenset().union(*TOOLS.values())
_NAMES = _PROGRAMS | frozenset(LEFT_BEHIND)


def is_known(path: str) -> bool:
    """Tell whether a check asks for this path (of a file or a symbolic link, no leading slash)."""
    folder, _, name = path.rpartition("/")
    if name not in _NAMES:
        return folder.startswith("var/") and is_list(path)
    return (name in _PROGRAMS and folder in PROGRAM_FOLDERS) or is_left_behind(path)


def is_program(path: str, names: frozenset[str]) -> bool:
    """Tell whether a path is one of these programs, in a folder for programs."""
    folder, _, name = path.rpartition("/")
    return name in names and folder in PROGRAM_FOLDERS


def is_left_behind(path: str) -> bool:
    """Tell whether a path is a version control's, an editor's or a builder's. What libraries ship in their own folders is not ours to tell."""
    folder, _, name = path.rpartition("/")
    wanted = LEFT_BEHIND.get(name)
    if (
        wanted is None
        or "node_modules/" in path
        or "site-packages/" in path
        or "/vendor/" in path
        or path.startswith("usr/share/")
    ):
        return False
    return not wanted or folder == wanted or folder.endswith(f"/{wanted}")


def left_behind(path: str) -> str:
    """Give what such a path (`is_left_behind`) is told as: the folder that it gives away, or the file itself."""
    folder, _, name = path.rpartition("/")
    return folder if LEFT_BEHIND[name] else path


def is_list(path: str) -> bool:
    """Tell whether a file is a package manager's cached list or package: a lock file and an empty folder are none."""
    name = path.rpartition("/")[2]
    return name != "lock" and any(path.startswith(f"{folder}/") for folder in LISTS)
