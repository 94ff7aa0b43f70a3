"""Build real images, as OCI layouts, to compare package lists on (bench/accuracy.py).

    python bench/images.py DIR [NAME …]

Everything comes from package registries through their own clients: debootstrap and apt-get (as root, on
Debian 12), pip, uv, npm, go, mvn and cargo, rpm and rpmbuild from Debian's `rpm`. Nothing is started inside an
image. Versions are pinned where a registry allows it, so that two runs give the same lists. `multilayer` has
its truth by construction: what its last layer leaves is in TRUTH, with the layer of each package.

Each image stands in DIR/NAME; its scratch folder is deleted. All of them take about ten minutes and 3 GB.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import time
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
RPMDB = HERE.parent / "tests" / "data" / "rpmdb"
ALPINE = HERE.parent / "demo" / "image.tar"

Layer = tuple[str, bytes]
"""The instruction that the image's history names, and the tar."""

PYTHON = (
    "requests==2.31.0", "flask==2.0.3", "numpy==1.26.4", "sqlalchemy==2.0.30", "pyyaml==6.0.1",
    "cryptography==42.0.5", "boto3==1.34.0", "aiohttp==3.9.3", "paramiko==3.4.0", "zope.interface==6.2",
    "ruamel.yaml==0.18.6", "backports.tarfile==1.1.0", "typing_extensions==4.10.0", "pillow==10.2.0", "grpcio==1.62.2",
)  # fmt: skip
NODE = {
    "express": "4.17.1",
    "lodash": "4.17.15",
    "webpack": "5.75.0",
    "@babel/core": "7.20.2",
    "string-width-cjs": "npm:string-width@4.2.3",
}
NODE_DEV = {"mocha": "10.0.0"}
GO = {
    "github.com/gorilla/mux": "v1.7.0",
    "github.com/google/uuid": "v1.6.0",
    "golang.org/x/text": "v0.14.0",
    "gopkg.in/yaml.v3": "v3.0.1",
}
JAVA = (
    "org.springframework.boot:spring-boot-starter-web:2.5.0", "com.google.guava:guava:31.1-jre",
    "org.apache.commons:commons-text:1.9", "io.netty:netty-all:4.1.70.Final", "com.h2database:h2:2.1.210",
    "org.apache.logging.log4j:log4j-core:2.14.1", "commons-collections:commons-collections:3.2.1",
    "org.bouncycastle:bcprov-jdk15on:1.70", "com.thoughtworks.xstream:xstream:1.4.19",
)  # fmt: skip
CRATES = {"serde": "1.0.200", "tokio": "1.37.0", "time": "0.3.30"}
DEBIAN = (
    "python3-requests",
    "python3-yaml",
    "ruby-rack",
    "node-ms",
    "libcommons-lang3-java",
    "libdbi-perl",
    "r-cran-digest",
)
DISTROLESS = (
    "base-files",
    "netbase",
    "tzdata",
    "libc6",
    "libssl3",
    "openssl",
    "python3-requests",
    "python3-idna",
    "python3-minimal",
)
LANGUAGES = (
    "ruby", "ruby3.1", "libruby3.1", "ruby-rack", "ruby-nokogiri", "bundler", "php-pear", "php8.2-cli", "php8.2-xml",
    "php8.2-redis", "r-cran-digest", "r-base-core", "libdbi-perl", "erlang-base", "erlang-crypto", "lua-socket",
)  # fmt: skip
PROGRAMS = (
    "nginx", "redis-server", "memcached", "haproxy", "apache2-bin", "postgresql-15", "mariadb-server-core", "sqlite3", "curl",
    "openssl", "bash", "busybox-static", "git", "openjdk-17-jre-headless", "lighttpd", "varnish", "libpython3.11-minimal",
    "python3.11-minimal", "perl-base", "libperl5.36", "libnode108", "golang-1.19-go", "etcd-server", "rsync",
    "libcurl4", "libssl3", "ffmpeg", "imagemagick-6.q16", "wget", "xz-utils", "zstd", "vim-tiny", "openssh-server", "dnsmasq-base",
)  # fmt: skip


# --- the frame: trees to tars, tars to layouts


def run(*command: str | Path, folder: Path | None = None, **environment: str) -> str:
    """Run a client quietly and give what it prints; what it says when it fails is shown."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)[:300]}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def tree(root: Path, prefix: str = "") -> bytes:
    """Make a tar of a folder, in order and without times, devices left out."""
    out = io.BytesIO()

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if info.isdev():
            return None
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        return info

    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(root.iterdir()):
            tar.add(path, f"{prefix}{path.name}", filter=plain)
    return out.getvalue()


def entries(*given: tuple[str, str | bytes | None]) -> bytes:
    """Make a tar of single entries: a file's content, `-> target` for a link, None for a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in given:
            info = tarfile.TarInfo(name)
            body = content.encode() if isinstance(content, str) else content or b""
            if content is None:
                info.type, info.mode, body = tarfile.DIRTYPE, 0o755, b""
            elif body.startswith(b"-> "):
                info.type, info.linkname, body = tarfile.SYMTYPE, body[3:].decode(), b""
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def layout(folder: Path, layers: Sequence[Layer]) -> None:
    """Write an OCI layout with one image."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(body: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(body).hexdigest()
        (blobs / digest).write_bytes(body)
        return {
            "mediaType": f"application/vnd.oci.image.{media_type}",
            "digest": f"sha256:{digest}",
            "size": len(body),
        }

    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {
            "type": "layers",
            "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for _, tar in layers],
        },
        "history": [{"created_by": instruction} for instruction, _ in layers],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(json.dumps(config).encode(), "config.v1+json"),
        "layers": [blob(gzip.compress(tar, 1, mtime=0), "layer.v1.tar+gzip") for _, tar in layers],
    }
    index = {"schemaVersion": 2, "manifests": [blob(json.dumps(manifest).encode(), "manifest.v1+json")]}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps(index))


def text(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(textwrap.dedent(content).encode() if isinstance(content, str) else content)


def os_release(root: Path, **fields: str) -> None:
    text(root / "etc/os-release", "".join(f'{name}="{value}"\n' for name, value in fields.items()))


def debs(work: Path, names: Sequence[str]) -> list[Path]:
    """Download Debian packages into a scratch folder of their own; a name that Debian lacks is an error."""
    folder = work / "debs"
    folder.mkdir(exist_ok=True)
    before = set(folder.iterdir())
    run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *names, folder=folder)
    return sorted(set(folder.iterdir()) - before)


def wheels(work: Path, target: Path, *names: str) -> None:
    """Unpack wheels as pip would install them."""
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-compile",
        "--target",
        target,
        *names,
        folder=work,
    )


# --- the images


def debian(work: Path) -> list[Layer]:
    """A distribution of Debian's own making, with language packages that Debian packages own."""
    root = work / "root"
    run("debootstrap", "--variant=minbase", f"--include={','.join(DEBIAN)}", "bookworm", root)
    shutil.rmtree(root / "var/cache/apt", ignore_errors=True)
    shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)
    return [("debootstrap --variant=minbase bookworm", tree(root))]


def _distroless(work: Path, *, sums: bool) -> list[Layer]:
    root = work / "root"
    for deb in debs(work, DISTROLESS):
        control = work / f"{deb.stem}.control"
        run("dpkg-deb", "-x", deb, root)
        run("dpkg-deb", "-e", deb, control)
        name = deb.name.partition("_")[0]
        text(root / "var/lib/dpkg/status.d" / name, (control / "control").read_bytes())
        if sums and (control / "md5sums").exists():
            text(root / f"var/lib/dpkg/status.d/{name}.md5sums", (control / "md5sums").read_bytes())
    return [("bazel build", tree(root))]


def distroless(work: Path) -> list[Layer]:
    """Packages unpacked without dpkg, as Google's distroless images have them since 2023."""
    return _distroless(work, sums=True)


def distroless_bare(work: Path) -> list[Layer]:
    """The same as they were before: nothing says which package owns a file."""
    return _distroless(work, sums=False)


def _alpine() -> bytes:
    with tarfile.open(ALPINE) as image:

        def member(name: str) -> bytes:
            file = image.extractfile(name)
            assert file is not None
            return file.read()

        index = json.loads(member("index.json"))
        manifest = json.loads(member("blobs/" + index["manifests"][0]["digest"].replace(":", "/")))
        return gzip.decompress(member("blobs/" + manifest["layers"][0]["digest"].replace(":", "/")))


def alpine(_work: Path) -> list[Layer]:
    """Alpine 3.10, the base layer of the demo image."""
    return [("FROM alpine:3.10", _alpine())]


SPEC = """
    Name: {name}
    Version: {version}
    Release: {release}
    {epoch}
    Summary: {name}
    License: MIT
    Vendor: Hullmark
    BuildArch: noarch
    %description
    {name}
    %install
    {install}
    %files
    {files}
"""


def _rpms(work: Path, root: Path) -> None:
    """Build four small packages, one of which owns Python distributions, and install them by rpm itself."""
    site = work / "site"
    wheels(work, site, "six==1.16.0", "idna==2.8")
    owned = "/usr/lib/python3.9/site-packages"
    for name, version, release, epoch, install, files in (
        (
            "hull-release",
            "9.3",
            "1.el9",
            "",
            "mkdir -p %{buildroot}/etc; echo 9.3 > %{buildroot}/etc/hull-release",
            "/etc/hull-release",
        ),
        (
            "hull-lib",
            "1.2.3~rc1",
            "4.el9_2.1",
            "Epoch: 2",
            "mkdir -p %{buildroot}/usr/share/hull; echo 1 > %{buildroot}/usr/share/hull/a",
            "/usr/share/hull",
        ),
        (
            "python3-hull",
            "1.16.0",
            "2.el9",
            "",
            f"mkdir -p %{{buildroot}}{owned}; cp -r {site}/. %{{buildroot}}{owned}",
            owned,
        ),
        ("hull-empty", "20240101", "1", "Epoch: 0", "true", ""),
    ):
        spec = work / f"{name}.spec"
        text(
            spec,
            SPEC.format(
                name=name, version=version, release=release, epoch=epoch, install=install, files=files
            ),
        )
        run(
            "rpmbuild",
            "-bb",
            "--quiet",
            "--define",
            f"_topdir {work}/rpmbuild",
            "--define",
            "__brp_python_bytecompile %{nil}",
            spec,
        )
    built = sorted((work / "rpmbuild/RPMS").rglob("*.rpm"))
    root.mkdir()
    run("rpm", "--root", root, "--dbpath", "/var/lib/rpm", "--nodeps", "-i", *built)


def rpm_sqlite(work: Path) -> list[Layer]:
    """A root that rpm 4.18 filled, with its database in SQLite, and a Python distribution that no package owns."""
    root = work / "root"
    _rpms(work, root)
    os_release(root, ID="rocky", VERSION_ID="9.3", ID_LIKE="rhel centos fedora")
    wheels(work, root / "usr/local/lib/python3.9/site-packages", "urllib3==1.24.1")
    return [("rpm -i", tree(root))]


def rpm_manifest(work: Path) -> list[Layer]:
    """A distroless Azure Linux, whose packages stand in a text file that rpm printed."""
    root, installed = work / "root", work / "installed"
    _rpms(work, installed)
    fields = "NAME VERSION-RELEASE INSTALLTIME BUILDTIME VENDOR EPOCH SIZE ARCH EPOCHNUM SOURCERPM"
    form = "\\t".join("-".join(f"%{{{tag}}}" for tag in field.split("-")) for field in fields.split()) + "\\n"
    printed = run("rpm", "--root", installed, "--dbpath", "/var/lib/rpm", "-qa", "--qf", form)
    text(root / "var/lib/rpmmanifest/container-manifest-2", printed)
    os_release(root, ID="mariner", VERSION_ID="2.0")
    return [("tdnf install --installroot", tree(root))]


def _rpmdb(work: Path, packed: str, path: str, **release: str) -> list[Layer]:
    root = work / "root"
    text(root / path, gzip.decompress((RPMDB / packed).read_bytes()))
    os_release(root, **release)
    return [("COPY rootfs /", tree(root))]


def rpm_ndb(work: Path) -> list[Layer]:
    """The database of SUSE's BCI 15."""
    return _rpmdb(
        work, "sle15-bci-ndb-Packages.db.gz", "usr/lib/sysimage/rpm/Packages.db", ID="sles", VERSION_ID="15.3"
    )


def rpm_bdb(work: Path) -> list[Layer]:
    """A Berkeley DB, as releases before RHEL 9 have it."""
    return _rpmdb(work, "libuuid-bdb-Packages.gz", "var/lib/rpm/Packages", ID="centos", VERSION_ID="8")


def rpm_mariner(work: Path) -> list[Layer]:
    """The database of CBL-Mariner 2.0."""
    return _rpmdb(
        work, "cbl-mariner-2.0-40-rpmdb.sqlite.gz", "var/lib/rpm/rpmdb.sqlite", ID="mariner", VERSION_ID="2.0"
    )


def python(work: Path) -> list[Layer]:
    """Installed distributions in two places, and the locks of four tools."""
    root, venv = work / "root", work / "root/opt/venv"
    pip = ("-m", "pip", "install", "-q")
    run(sys.executable, *pip, "--target", root / "usr/lib/python3.11/site-packages", *PYTHON)
    run(sys.executable, "-m", "venv", venv)
    run(venv / "bin/python", *pip, "django==4.2.0", "setuptools==65.5.0", "wheel==0.38.4")
    for lock in _python_locks(work):
        text(root / "opt" / lock.name.replace(".", "-") / lock.name, lock.read_bytes())
    return [("RUN pip install", tree(root))]


def _python_locks(work: Path) -> list[Path]:
    """Lock one project with uv; the locks of Poetry and Pipenv are written from what it resolved."""
    project, tools = work / "project", work / "tools"
    head = '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11,<3.13"\n'
    text(project / "pyproject.toml", f"{head}dependencies = {json.dumps(PYTHON)}\n")
    run(sys.executable, "-m", "venv", tools)
    run(tools / "bin/pip", "install", "-q", "uv==0.9.0")
    uv = tools / "bin/uv"
    run(uv, "lock", "-q", folder=project)
    run(uv, "export", "-q", "-o", "requirements.txt", folder=project)
    run(uv, "export", "-q", "--format", "pylock.toml", "-o", "pylock.toml", folder=project)
    resolved = tomllib.loads((project / "uv.lock").read_text())["package"]
    fetched = [package for package in resolved if "registry" in package["source"]]
    form = '[[package]]\nname = "{name}"\nversion = "{version}"\noptional = false\ngroups = ["main"]\nfiles = []\n'
    locked = "\n".join(form.format(**package) for package in fetched)
    text(project / "poetry.lock", locked + '\n[metadata]\nlock-version = "2.1"\n')
    default = {package["name"]: {"version": f"=={package['version']}"} for package in fetched}
    text(
        project / "Pipfile.lock",
        json.dumps({"_meta": {"pipfile-spec": 6}, "default": default, "develop": {}}),
    )
    return [
        project / name
        for name in ("uv.lock", "requirements.txt", "pylock.toml", "poetry.lock", "Pipfile.lock")
    ]


def node(work: Path) -> list[Layer]:
    """One project, installed by npm and locked by npm, Yarn 1, Yarn 4 and pnpm."""
    root, tools = work / "root", work / "tools"
    manifest = json.dumps(
        {"name": "shop", "version": "1.0.0", "dependencies": NODE, "devDependencies": NODE_DEV}
    )
    tools.mkdir()
    run(
        "npm",
        "install",
        "--silent",
        "--no-audit",
        "--prefix",
        tools,
        "yarn@1.22.22",
        "pnpm@9.15.0",
        "@yarnpkg/cli-dist@4.5.0",
    )
    modules = tools / "node_modules"
    for name, command in (
        ("npm", ("npm", "install", "--silent", "--no-audit", "--ignore-scripts")),
        (
            "yarn",
            (
                "node",
                modules / "yarn/bin/yarn.js",
                "install",
                "--silent",
                "--ignore-scripts",
                "--ignore-engines",
            ),
        ),
        ("pnpm", ("node", modules / "pnpm/bin/pnpm.cjs", "install", "--lockfile-only", "--silent")),
        ("berry", ("node", modules / "@yarnpkg/cli-dist/bin/yarn.js", "install", "--mode=update-lockfile")),
    ):
        folder = root / "opt" / name
        text(folder / "package.json", manifest)
        if name == "berry":
            text(folder / "yarn.lock", "")
        run(
            *command,
            folder=folder,
            YARN_ENABLE_TELEMETRY="0",
            YARN_ENABLE_GLOBAL_CACHE="0",
            YARN_ENABLE_IMMUTABLE_INSTALLS="0",
            CI="",
        )
        if name != "npm":
            shutil.rmtree(folder / "node_modules", ignore_errors=True)
    for left in (".yarn", ".pnp.cjs"):
        shutil.rmtree(root / "opt/berry" / left, ignore_errors=True)
    return [("RUN npm install", tree(root))]


def go(work: Path) -> list[Layer]:
    """A program, built plainly and stripped, and its module files."""
    root, source = work / "root", work / "source"
    imports = "".join(f'\t_ "{name}"\n' for name in (*GO, "golang.org/x/text/language"))
    text(
        source / "main.go",
        f'package main\n\nimport (\n{imports})\n\nvar version = "dev"\n\nfunc main() {{ println(version) }}\n',
    )
    text(
        source / "go.mod",
        "module example.com/hull/app\n\ngo 1.21\n"
        + "".join(f"\nrequire {name} {version}\n" for name, version in GO.items()),
    )
    run("go", "mod", "tidy", folder=source)
    (root / "usr/bin").mkdir(parents=True)
    run("go", "build", "-o", root / "usr/bin/app", ".", folder=source, CGO_ENABLED="0")
    run(
        "go",
        "build",
        "-trimpath",
        "-ldflags=-s -w -X main.version=1.4.2",
        "-o",
        root / "usr/bin/app-stripped",
        ".",
        folder=source,
        CGO_ENABLED="0",
    )
    for name in ("go.mod", "go.sum"):
        text(root / "src/app" / name, (source / name).read_bytes())
    return [("COPY app /usr/bin", tree(root))]


def _zip(path: Path, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
        for name, body in members.items():
            out.writestr(zipfile.ZipInfo(name), body)


def java(work: Path) -> list[Layer]:
    """Jars as Maven resolves them: plain, in a fat jar, in a war, and some shaded into one; and a pom."""
    root, jars = work / "root", work / "jars"
    wanted = "".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>".format(
            *name.split(":")
        )
        for name in JAVA
    )
    pom = f"<project><modelVersion>4.0.0</modelVersion><groupId>example</groupId><artifactId>app</artifactId><version>1</version><dependencies>{wanted}</dependencies></project>"
    text(work / "pom.xml", pom)
    run("mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={jars}", folder=work)
    resolved = {path.name: path.read_bytes() for path in sorted(jars.glob("*.jar"))}
    for name, body in resolved.items():
        text(root / "opt/lib" / name, body)
    inner = {f"BOOT-INF/lib/{name}": body for name, body in resolved.items()}
    _zip(
        root / "opt/app.jar",
        {
            "META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\nMain-Class: org.springframework.boot.loader.JarLauncher\n",
            **inner,
        },
    )
    _zip(
        root / "opt/app.war",
        {
            "WEB-INF/web.xml": b"<web-app/>",
            **{name.replace("BOOT-INF", "WEB-INF"): body for name, body in inner.items()},
        },
    )
    merged: dict[str, bytes] = {
        "META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\nImplementation-Title: shaded\nImplementation-Version: 7.0\n"
    }
    for name, body in resolved.items():
        if name.startswith(("commons-", "guava", "jackson-", "spring-web")):
            with zipfile.ZipFile(io.BytesIO(body)) as jar:
                merged |= {
                    member: jar.read(member)
                    for member in jar.namelist()
                    if not member.startswith("META-INF/MANIFEST")
                }
    _zip(root / "opt/shaded-7.0.jar", merged)
    text(root / "src/app/pom.xml", pom)
    return [("COPY lib /opt", tree(root))]


def rust(work: Path) -> list[Layer]:
    """A program with a list of its crates (uv), one without (ruff), and a Cargo.lock."""
    root, unpacked = work / "root", work / "unpacked"
    wheels(work, unpacked, "uv==0.13.9", "ruff==0.8.0")
    (root / "usr/bin").mkdir(parents=True)
    for program in (unpacked / "bin").iterdir():
        shutil.copy2(program, root / "usr/bin")
    source = work / "source"
    text(source / "src/main.rs", "fn main() {}\n")
    wanted = "".join(f'{name} = "={version}"\n' for name, version in CRATES.items())
    text(
        source / "Cargo.toml",
        f'[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n{wanted}',
    )
    run("cargo", "generate-lockfile", "-q", folder=source)
    text(root / "src/app/Cargo.lock", (source / "Cargo.lock").read_bytes())
    return [("COPY uv ruff /usr/bin", tree(root))]


def languages(work: Path) -> list[Layer]:
    """Ruby, PHP, R, Perl, Erlang and .NET as their own tools lay them out, without the package database that brought them."""
    root = work / "root"
    for deb in debs(work, LANGUAGES):
        run("dpkg-deb", "-x", deb, root)
    wheels(work, root / "opt/dotnet", "pythonnet==3.0.3", "dotnetcore2==3.1.23")
    for left in (*root.glob("opt/dotnet/*.dist-info"), root / "opt/dotnet/bin"):
        shutil.rmtree(left, ignore_errors=True)
    packages = [
        {
            "name": "monolog/monolog",
            "version": "2.3.0",
            "type": "library",
            "license": ["MIT"],
            "require": {"psr/log": "^1"},
        },
        {"name": "psr/log", "version": "v1.1.4", "type": "library", "license": ["MIT"]},
    ]
    dev = [{"name": "phpunit/phpunit", "version": "9.5.0", "type": "library"}]
    text(root / "srv/composer.lock", json.dumps({"packages": packages, "packages-dev": dev}))
    text(
        root / "srv/vendor/composer/installed.json",
        json.dumps({"packages": packages, "dev": False, "dev-package-names": []}),
    )
    text(
        root / "srv/Gemfile.lock",
        "GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (2.0.1)\n    sinatra (2.0.0)\n      rack (~> 2.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  sinatra\n",
    )
    lock = {
        "version": 1,
        "dependencies": {
            "net6.0": {"Newtonsoft.Json": {"type": "Direct", "requested": "[12.0.1, )", "resolved": "12.0.1"}}
        },
    }
    text(root / "srv/packages.lock.json", json.dumps(lock))
    return [("COPY languages /", tree(root))]


def programs(work: Path) -> list[Layer]:
    """Programs and libraries of Debian without the database that says what they are: as if built from source."""
    root = work / "root"
    for deb in debs(work, PROGRAMS):
        run("dpkg-deb", "-x", deb, root)
    shutil.rmtree(root / "usr/share/doc")
    return [("RUN make install", tree(root))]


def sboms(work: Path) -> list[Layer]:
    """Programs that only an SBOM beside them names, as vendors of ready-made images ship it."""
    root = work / "root"

    def package(name: str, version: str, purl: str) -> dict[str, object]:
        reference = {
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl,
        }
        return {
            "name": name,
            "SPDXID": f"SPDXRef-{name}",
            "versionInfo": version,
            "licenseConcluded": "BSD-3-Clause",
            "externalRefs": [reference],
        }

    redis = [
        package("redis", "7.0.8", "pkg:bitnami/redis@7.0.8-0?arch=amd64&distro=debian-11"),
        package("jemalloc", "5.2.1", "pkg:generic/jemalloc@5.2.1"),
    ]
    head = {
        "spdxVersion": "SPDX-2.3",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "SPDX document for Redis 7.0.8",
        "dataLicense": "CC0-1.0",
        "documentNamespace": "https://example.org/redis",
    }
    contains = [
        {
            "spdxElementId": "SPDXRef-DOCUMENT",
            "relatedSpdxElement": "SPDXRef-redis",
            "relationshipType": "DESCRIBES",
        },
        {
            "spdxElementId": "SPDXRef-redis",
            "relatedSpdxElement": "SPDXRef-jemalloc",
            "relationshipType": "CONTAINS",
        },
    ]
    text(
        root / "opt/bitnami/redis/.spdx-redis.spdx",
        json.dumps({**head, "packages": redis, "relationships": contains}),
    )
    lib = {
        "type": "library",
        "bom-ref": "a",
        "name": "requests",
        "version": "2.31.0",
        "purl": "pkg:pypi/requests@2.31.0",
    }
    text(
        root / "usr/share/sbom/app.cdx.json",
        json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [lib]}),
    )
    wheels(work, root / "usr/lib/python3.12/site-packages", "psycopg2-binary==2.9.13", "pillow==13.0.0")
    os_release(root, ID="debian", VERSION_ID="11")
    text(root / "etc/debian_version", "11.6\n")
    status = "Package: base-files\nStatus: install ok installed\nVersion: 11.1+deb11u9\nArchitecture: amd64\n"
    text(root / "var/lib/dpkg/status", status)
    return [("COPY rootfs /", tree(root))]


def others(work: Path) -> list[Layer]:
    """Databases of Gentoo's Portage and of Homebrew, as their layouts are documented."""
    root = work / "root"
    for package in ("app-shells/bash-5.2_p21-r1", "dev-libs/openssl-3.0.13", "x11-libs/gtk+-2.24.33-r3"):
        text(
            root / "var/db/pkg" / package / "CONTENTS",
            "obj /bin/x d41d8cd98f00b204e9800998ecf8427e 1700000000\n",
        )
        text(root / "var/db/pkg" / package / "SLOT", "0\n")
    for keg in ("jq/1.7.1_1", "python@3.12/3.12.3"):
        folder = root / "home/linuxbrew/.linuxbrew/Cellar" / keg
        name = keg.partition("/")[0]
        text(
            folder / "INSTALL_RECEIPT.json",
            '{"homebrew_version": "4.2.0", "source": {"tap": "homebrew/core"}}',
        )
        text(folder / f".brew/{name}.rb", 'class X < Formula\n  desc "x"\n  license "MIT"\nend\n')
    os_release(root, ID="gentoo")
    return [("COPY rootfs /", tree(root))]


TRUTH = {
    ("apk", "busybox", "1.30.1-r5"): 6,
    ("apk", "ssl_client", "1.30.1-r5"): 6,  # built from busybox, so upgraded with it
    ("apk", "musl", "1.1.22-r3"): 0,
    ("pypi", "urllib3", "1.26.18"): 2,
    ("pypi", "idna", "2.7"): 1,
    ("pypi", "six", "1.16.0"): 5,
    ("npm", "ms", "2.1.3"): 4,
}
"""What `multilayer` holds, with the layer that brought it. Alpine's other packages came with layer 0."""


def multilayer(work: Path) -> list[Layer]:
    """Layers that replace, delete and hide: a package upgraded, one removed, a folder hidden, files through a folder link."""
    base = _alpine()
    with tarfile.open(fileobj=io.BytesIO(base)) as tar:
        file = tar.extractfile("lib/apk/db/installed")
        assert file is not None
        installed = file.read()
    records = installed.decode().strip().split("\n\n")
    later = [
        record.replace("\nV:1.30.1-r3\n", "\nV:1.30.1-r5\n")
        for record in records
        if "\nP:scanelf\n" not in record
    ]
    site = "usr/lib/python3.7/site-packages/"
    for number, names in enumerate(
        (("urllib3==1.24.1", "requests==2.19.1", "idna==2.7"), ("urllib3==1.26.18",), ("six==1.16.0",))
    ):
        wheels(work, work / f"site{number}", *names)
    for number, names in enumerate((("lodash@4.17.15",), ("ms@2.1.3",))):
        (work / f"node{number}").mkdir()
        run("npm", "install", "--silent", "--no-audit", "--prefix", work / f"node{number}", *names)
        (work / f"node{number}/node_modules/.package-lock.json").unlink()
    upgrade = entries((f"{site}.wh.urllib3-1.24.1.dist-info", ""))
    return [
        ("FROM alpine:3.10", base),
        ("RUN pip install urllib3==1.24.1 requests==2.19.1 idna==2.7", tree(work / "site0", site)),
        ("RUN pip install urllib3==1.26.18", join(upgrade, tree(work / "site1", site))),
        ("RUN npm install lodash", tree(work / "node0/node_modules", "opt/app/node_modules/")),
        ("RUN rm -r node_modules && npm install ms", join(entries(("opt/app/node_modules", None), ("opt/app/node_modules/.wh..wh..opq", "")), tree(work / "node1/node_modules", "opt/app/node_modules/"))),
        ("COPY six through a folder link", join(entries(("opt/python", "-> ../usr/lib/python3.7/site-packages")), tree(work / "site2", "opt/python/"))),
        ("RUN apk upgrade busybox && apk del scanelf", entries(("lib/apk/db/installed", "\n\n".join(later) + "\n\n"))),
        ("RUN pip uninstall requests", entries((f"{site}.wh.requests-2.19.1.dist-info", ""), (f"{site}.wh.requests", ""))),
    ]  # fmt: skip


def join(*tars: bytes) -> bytes:
    """Put the entries of several tars into one."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as joined:
        for tar in tars:
            with tarfile.open(fileobj=io.BytesIO(tar)) as part:
                for member in part:
                    joined.addfile(member, part.extractfile(member) if member.isreg() else None)
    return out.getvalue()


IMAGES: tuple[Callable[[Path], list[Layer]], ...] = (
    debian, distroless, distroless_bare, alpine, rpm_sqlite, rpm_manifest, rpm_ndb, rpm_bdb, rpm_mariner,
    python, node, go, java, rust, languages, programs, sboms, others, multilayer,
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Build real images, as OCI layouts, to compare package lists on."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=", ".join(image.__name__ for image in IMAGES)
    )
    options = parser.parse_args()
    for image in IMAGES:
        name = image.__name__
        target = options.folder / name
        if options.names and name not in options.names:
            continue
        shutil.rmtree(target, ignore_errors=True)
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"image-{name}-") as scratch:
            layers = image(Path(scratch))
            layout(target, layers)
        print(
            f"{name:16} {len(layers)} layers {sum(len(tar) for _, tar in layers) / 1e6:6.0f} MB {time.monotonic() - began:5.0f} s"
        )


if __name__ == "__main__":
    main()
