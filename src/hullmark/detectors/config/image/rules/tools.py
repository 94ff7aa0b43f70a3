"""What was left in the image: programs that help who got in, and files that nobody needs."""

from collections.abc import Iterator

from hullmark.detectors._formats.credential_files import known_file
from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.image._gathering import Place, gathered
from hullmark.detectors.config.image._words import words
from hullmark.detectors.config.image.known import (
    PACKAGE_MANAGERS,
    SHELLS,
    TOOLS,
    is_left_behind,
    is_list,
    is_program,
    left_behind,
)
from hullmark.detectors.config.image.view import ImageView
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_CONTROLS = ("CIS-Docker 4.3", "NIST-800-190 4.1.2", "NIST-800-53 CM-7", "PCI-DSS 2.2.4")
_OS = frozenset({"deb", "rpm", "apk", "alpm"})

SERVERS = {
    **dict.fromkeys(("telnetd", "telnet-server", "inetutils-telnetd", "busybox-extras-openrc"), "Telnet"),
    **dict.fromkeys(
        ("rsh-server", "rsh-redone-server", "inetutils-inetd", "xinetd", "openbsd-inetd"), "remote shells"
    ),
    **dict.fromkeys(
        ("openssh-server", "openssh-server-pam", "dropbear", "dropbear-run", "dropbear-bin", "tinysshd"),
        "SSH",
    ),
    **dict.fromkeys(("vsftpd", "proftpd-core", "proftpd", "pure-ftpd", "ftpd", "inetutils-ftpd"), "FTP"),
    **dict.fromkeys(("tftpd", "tftpd-hpa", "tftp-server", "atftpd"), "TFTP"),
    **dict.fromkeys(("nis", "ypserv"), "NIS"),
    **dict.fromkeys(("tigervnc-standalone-server", "tigervnc-server", "x11vnc", "xrdp"), "remote desktops"),
}
UNWANTED = words(
    "sudo doas nmap ncat nmap-ncat netcat netcat-openbsd netcat-traditional socat tcpdump telnet inetutils-telnet ftp tnftp inetutils-ftp rsh-client"
    " hydra john sqlmap aircrack-ng ettercap-common masscan wireshark tshark busybox-extras"
)
DEVELOPMENT = words(
    "gcc g++ clang build-base build-essential make cmake gdb gdbserver strace ltrace valgrind lldb autoconf automake musl-dev libc6-dev glibc-devel"
    " gcc-c++ kernel-headers linux-headers git subversion mercurial"
)

SERVER = Rule(
    id="image-remote-access-server",
    kind="image",
    severity=Severity.MEDIUM,
    summary="a server that lets people in from afar is installed",
    why="An image runs one application; a server for signing in or for plain file transfer beside it is a second way in.",
    fix="Leave the package out; use docker exec or kubectl exec.",
    bad=('{"packages": ["deb openssh-server"]}', '{"packages": ["apk dropbear"]}'),
    good=('{"packages": ["deb openssh-client", "npm xinetd"]}',),
    controls=("CIS-Docker 5.7", *_CONTROLS, "NIST-800-53 AC-17", "PCI-DSS 2.2.5"),
    same_as=("CIS-DI-0003",),
)
UNWANTED_RULE = Rule(
    id="image-unwanted-package",
    kind="image",
    severity=Severity.LOW,
    summary="packages are installed that help who got in and nobody else",
    why="Network scanners, remote clients and sudo save an intruder the download.",
    fix="Leave the packages out, or out of the last stage of the build.",
    bad=('{"packages": ["deb nmap"]}', '{"base_packages": ["apk sudo"]}'),
    good=('{"packages": ["deb ca-certificates", "pypi nmap"]}',),
    pack="pedantic",
    controls=_CONTROLS,
    same_as=("CIS-DI-0003", "DKL-DI-0001"),
)
DEVELOPMENT_RULE = Rule(
    id="image-development-tools",
    kind="image",
    severity=Severity.LOW,
    summary="compilers, debuggers or the like are left in",
    why="They make the image bigger and its list of flaws longer, and let an intruder build tools on the spot.",
    fix="Build in one stage and copy what was built into the last one.",
    bad=('{"packages": ["deb gcc"]}', '{"paths": ["usr/bin/strace"]}'),
    good=('{"packages": ["deb gcc-12-base"]}', '{"paths": ["home/me/gcc"]}'),
    pack="pedantic",
    controls=_CONTROLS,
    same_as=("CIS-DI-0003",),
)
MANAGERS = Rule(
    id="image-package-manager",
    kind="image",
    severity=Severity.LOW,
    summary="a package manager is left in",
    why="An intruder installs with it what is missing, and an image that changes after it was scanned is another image.",
    fix="Use a distroless base, or copy the application onto one in the last stage.",
    bad=('{"paths": ["usr/bin/apt-get", "usr/bin/dpkg"]}', '{"base_paths": ["sbin/apk"]}'),
    good=('{"paths": ["app/apt"]}',),
    pack="pedantic",
    controls=_CONTROLS,
    same_as=("CIS-DI-0003",),
)
SHELL = Rule(
    id="image-shell",
    kind="image",
    severity=Severity.LOW,
    summary="a shell is left in",
    why="Most ready-made attacks begin by starting one.",
    fix="Use a distroless base, or copy the application onto one in the last stage.",
    bad=('{"paths": ["bin/sh"]}', '{"base_paths": ["bin/busybox"]}'),
    good=('{"paths": ["app/sh"]}',),
    pack="pedantic",
    controls=_CONTROLS,
    same_as=("CIS-DI-0003",),
)
LISTS = Rule(
    id="image-package-lists",
    kind="image",
    severity=Severity.LOW,
    summary="the package manager's lists or packages are left in",
    why="They are megabytes that nobody uses, and old the next day.",
    fix="Delete them in the RUN that installs (rm -rf /var/lib/apt/lists/*, apk --no-cache, dnf clean all), or mount a cache.",
    bad=('{"paths": ["var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease"]}', '{"paths": ["var/cache/apk/APKINDEX.1.tar.gz"]}'),
    good=('{"paths": ["var/lib/apt/lists/lock"]}',),
    pack="pedantic",
    controls=("CIS-Docker 4.3", "NIST-800-190 4.1.2", "NIST-800-53 CM-7"),
    same_as=(
        "DKL-DI-0004", "DKL-DI-0005", "DS-0015", "DS-0019", "DS-0020", "DS-0025", "DS-0027",
        "AVD-DS-0015", "AVD-DS-0019", "AVD-DS-0020", "AVD-DS-0025", "AVD-DS-0027",
        "DS015", "DS019", "DS020", "DS025", "DS027", "DL3009", "DL3019", "DL3032", "DL3036", "DL3040",
    ),
)  # fmt: skip
HISTORY = Rule(
    id="image-source-history",
    kind="image",
    severity=Severity.LOW,
    summary="the folder of a version control system is in the image",
    why="It holds every earlier state of the sources, with the secrets that were taken out again, and often the way to the server.",
    fix="Put .git into .dockerignore, and copy what the application needs.",
    bad=('{"paths": ["app/.git/HEAD"]}',),
    good=('{"paths": ["app/node_modules/x/.git/HEAD"]}', '{"paths": ["app/HEAD"]}'),
    controls=("CIS-Docker 4.10", "NIST-800-190 4.1.4", "NIST-800-53 CM-7"),
    same_as=("DKL-LI-0003",),
)
NEEDLESS = Rule(
    id="image-needless-files",
    kind="image",
    severity=Severity.LOW,
    summary="files of the build or of an editor are in the image",
    why="They tell how the image is built and help nobody who runs it.",
    fix="Put them into .dockerignore.",
    bad=(
        '{"paths": ["app/Dockerfile", "app/.vscode/settings.json"]}',
        '{"paths": ["app/.idea/modules.xml"]}',
        '{"paths": ["app/.vscode/launch.json"]}',
    ),
    good=('{"paths": ["app/settings.json"]}', '{"paths": ["app/.git/HEAD"]}'),
    pack="pedantic",
    controls=("CIS-Docker 4.3", "NIST-800-190 4.1.2", "NIST-800-53 CM-7"),
    same_as=("DKL-LI-0003",),
)
CREDENTIALS = Rule(
    id="image-credential-file",
    kind="image",
    severity=Severity.NEGLIGIBLE,
    summary="a file is named as those that hold credentials",
    why="Whoever has the image has the file. A name alone proves nothing; but what is encrypted, as a key store, the search for secrets cannot read.",
    fix="Look into it; leave it out of the image, and mount what is secret when the container starts.",
    bad=(
        '{"paths": ["root/.netrc", "app/server.p12"]}',
        '{"paths": ["home/me/.bash_history"]}',
        '{"paths": ["root/.kube/config"]}',
    ),
    good=(
        '{"paths": ["app/node_modules/x/.npmrc"]}',
        '{"paths": ["root/.ssh/id_rsa.pub", "app/.env.example"]}',
    ),
    controls=("CIS-Docker 4.10", "NIST-800-190 4.1.4", "NIST-800-53 IA-5", "PCI-DSS 8.6.2"),
    same_as=("CIS-DI-0010",),
)

_HISTORIES = ("HEAD", "entries", "hgrc")


def _servers(view: ImageView) -> Iterator[Problem]:
    places = (
        Place(
            each.name, each.layer, f"{each.name} is installed, a server for {SERVERS[each.name]}", "packages"
        )
        for each in view.packages
        if each.ecosystem in _OS and each.name in SERVERS
    )
    return gathered(view, SERVER, places, "servers for access from afar")


def _installed(rule: Rule, packages: frozenset[str], programs: frozenset[str], what: str) -> Check[ImageView]:
    """Make a check of packages, and of programs that no package of that name explains."""

    def find(view: ImageView) -> Iterator[Problem]:
        found = [each for each in view.packages if each.ecosystem in _OS and each.name in packages]
        others = programs - {each.name for each in found}
        places = [Place(each.name, each.layer, f"{each.name} is installed", "packages") for each in found]
        places += [
            Place(each.path, each.layer, f"/{each.path} is left in")
            for each in view.paths
            if is_program(each.path, others)
        ]
        return gathered(view, rule, places, what, together=True)

    return Check(rule, find)


def _programs(rule: Rule, names: frozenset[str], what: str) -> Check[ImageView]:
    def find(view: ImageView) -> Iterator[Problem]:
        places = (
            Place(each.path, each.layer, f"{what} is left in: /{each.path}")
            for each in view.paths
            if is_program(each.path, names)
        )
        return gathered(view, rule, places, f"{what}s".removeprefix("a "), together=True)

    return Check(rule, find)


def _lists(view: ImageView) -> Iterator[Problem]:
    places = (
        Place(each.path, each.layer, f"/{each.path} is left in") for each in view.paths if is_list(each.path)
    )
    return gathered(view, LISTS, places, "cached lists or packages", together=True)


def _credentials(view: ImageView) -> Iterator[Problem]:
    places = (
        Place(each.path, each.layer, f"/{each.path} is named as {known.about}")
        for each in view.paths
        if (known := known_file(each.path)) is not None
    )
    return gathered(view, CREDENTIALS, places, "files named as those that hold credentials", together=True)


def _left_behind(rule: Rule, what: str, *, histories: bool) -> Check[ImageView]:
    def find(view: ImageView) -> Iterator[Problem]:
        found = {
            (left_behind(each.path), each.layer)
            for each in view.paths
            if is_left_behind(each.path) and (each.path.rpartition("/")[2] in _HISTORIES) is histories
        }
        places = (Place(path, layer, f"/{path} is in the image") for path, layer in sorted(found))
        return gathered(view, rule, places, what)

    return Check(rule, find)


CHECKS: tuple[Check[ImageView], ...] = (
    Check(SERVER, _servers),
    _installed(UNWANTED_RULE, UNWANTED, TOOLS["network tool"], "unwanted packages or programs"),
    _installed(DEVELOPMENT_RULE, DEVELOPMENT, TOOLS["compiler"] | TOOLS["debugger"], "development tools"),
    _programs(MANAGERS, PACKAGE_MANAGERS, "a package manager"),
    _programs(SHELL, SHELLS, "a shell"),
    Check(LISTS, _lists),
    Check(CREDENTIALS, _credentials),
    _left_behind(HISTORY, "folders of version control systems", histories=True),
    _left_behind(NEEDLESS, "needless files", histories=False),
)
