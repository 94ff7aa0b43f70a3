"""Compare our order of versions with each ecosystem's own tool, on the versions that occur in advisories.

    python bench/versions.py [FEEDS …] [--samples DIR] [--pairs 20000] [--only ECOSYSTEM,…]

FEEDS are folders laid out as `hullmark db build --from` takes them (default: demo/feeds); DIR has archives of vendors' samples.
Every version that an advisory names counts, as the readers give it. Compared are neighbours in our order (if each stands
right, so does every pair of a true order), versions of the same package, since these are compared in reality, and
random pairs; always the same ones. What a tool cannot read counts as well: a difference is also a version that a tool orders and
we do not.

A tool that is not here is said to be missing. Those in Go and Rust are built against the ecosystem's own library, which the
package managers fetch. Each difference must have its reason in RULES, whose keys are headings of docs/accuracy.md; one
without is printed, and the exit code is 1.
"""

import argparse
import ctypes
import ctypes.util
import functools
import io
import itertools
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from hullmark.advisories.feed import Document, Record, documents
from hullmark.advisories.registry import feeds, schemes
from hullmark.model.advisory import Advisory
from hullmark.model.errors import VersionError

Pair = tuple[str, str]
Versions = dict[str, dict[str, set[str]]]
"""By ecosystem the versions of each package."""

Answer = int | None
"""-1, 0, 1; None when the tool cannot read one of the two."""

ROOT = Path(__file__).resolve().parents[1]

SAMPLES = (
    ("alma", r".*/almalinux(\d+)/(.*)", "almalinux", r"osv/AlmaLinux-\1/\2"),
    ("amazon", r".*_html/(.*)", "amazon", r"amazon/\1"),
    ("arch", r".*\.json", "arch", "arch/all.json"),
    ("debian", r"input/DSA", "debian", "debian/DSA-list"),
    ("debian", r"input/debian.json", "debian", "debian/tracker.json"),
    ("fedora", r".*/(.*\.json)", "fedora", r"fedora/\1"),
    ("github", r"(?:\./)?(.*\.json)", "ghsa", r"ghsa/\1"),
    ("govulndb", r".*/(.*\.json)", "osv", r"osv/Go/\1"),
    ("mariner", r"(.*\.xml)", "azurelinux", r"azurelinux/\1"),
    ("nvd", r"(.*\.json)", "nvd", r"nvd/\1"),
    ("oracle", r"(mock\w*)", "oracle", r"oracle/\1.xml"),
    ("photon-oval", r"(.*\.xml)", "photon", r"photon/\1"),
    ("photon", r".*/(.*\.json)", "photon", r"photon/\1"),
    ("rhel-csaf-vex", r"(.*\.json)", "redhat", r"redhat/\1"),
    ("rhel", r"csaf/advisories/(.*\.json)", "redhat", r"redhat/\1"),
    ("rocky", r"osv/(.*\.json)", "rocky", r"osv/Rocky/\1"),
    ("sles", r"(.*\.xml)", "suse", r"suse/\1"),
    ("ubuntu", r"(osv.*\.json)", "ubuntu", r"ubuntu/\1"),
    ("ubuntu", r"normalized-cve-data/(.*)", "ubuntu", r"ubuntu/tracker/\1"),
    ("wolfi", r".*/security.json", "wolfi", "wolfi/security.json"),
)  # fmt: skip
"""Archive, member, feed, and the member's place below a mirror."""

PERL = r"""
use Dpkg::Version;
while (<STDIN>) {
    chomp;
    my ($a, $b) = map { Dpkg::Version->new($_, check => 1) } split /\t/, $_, -1;
    print defined $a && defined $b ? $a <=> $b : "?", "\n";
}
"""
DPKG = r"""
tab=$(printf '\t')
while IFS="$tab" read -r a b; do
    said=$(dpkg --compare-versions "$a" lt "$b" 2>&1 && echo -1)
    [ "$said" ] || said=$(dpkg --compare-versions "$a" eq "$b" 2>&1 && echo 0)
    case ${said:-1} in -1|0|1) echo "${said:-1}";; *) echo "?";; esac
done
"""
LUA = r"""%{lua:
for line in io.lines() do
    local a, b = line:match("^([^\t]*)\t(.*)$")
    io.stdout:write(tostring(rpm.vercmp(a, b)), "\n")
end}"""
NODE = r"""
const semver = require(process.argv[1]);
const lines = require("fs").readFileSync(0, "utf8").split("\n").slice(0, -1);
for (const line of lines) {
    const [a, b] = line.split("\t").map(text => semver.parse(text, {loose: true}));
    console.log(a && b ? a.compare(b) : "?");
}
"""
RUBY = r"""
$stdin.each_line(chomp: true) do |line|
  a, b = line.split("\t", -1).map { |text| Gem::Version.correct?(text) ? Gem::Version.new(text) : nil }
  puts a && b ? a <=> b : "?"
end
"""
PHP = r"""
require $argv[1];
$parser = new Composer\Semver\VersionParser();
while (($line = fgets(STDIN)) !== false) {
    try {
        [$a, $b] = array_map(fn($text) => $parser->normalize($text), explode("\t", rtrim($line, "\n")));
        $ordered = strncmp($a, "dev-", 4) && strncmp($b, "dev-", 4);
        echo $ordered ? version_compare($a, $b) : "?", "\n";
    } catch (UnexpectedValueException $problem) {
        echo "?\n";
    }
}
"""
JAVA = r"""
import java.io.*;
import org.apache.maven.artifact.versioning.ComparableVersion;
class Ask {
  public static void main(String[] args) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] pair = line.split("\t", -1);
      System.out.println(Integer.signum(new ComparableVersion(pair[0]).compareTo(new ComparableVersion(pair[1]))));
    }
  }
}
"""
GO = r"""package main

import ("bufio"; "fmt"; "os"; "strings"; lib "LIBRARY")

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		pair := strings.SplitN(lines.Text(), "\t", 2)
		a, b := pair[0], pair[1]
		ASK
	}
}
"""
GO_MODULE = 'if a, b = "v"+a, "v"+b; lib.IsValid(a) && lib.IsValid(b) { fmt.Println(lib.Compare(a, b)) } else { fmt.Println("?") }'
GO_APK = 'if lib.Valid(a) && lib.Valid(b) { fmt.Println(lib.Version(a).Compare(lib.Version(b))) } else { fmt.Println("?") }'
RUST = r"""
use std::io::BufRead;
fn main() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut pair = line.split('\t').map(semver::Version::parse);
        match (pair.next(), pair.next()) {
            (Some(Ok(a)), Some(Ok(b))) => println!("{}", a.cmp_precedence(&b) as i8),
            _ => println!("?"),
        }
    }
}
"""
ELIXIR = r"""
for line <- IO.stream(:stdio, :line) do
  [a, b] = line |> String.trim_trailing("\n") |> String.split("\t") |> Enum.map(&Version.parse/1)
  case {a, b} do
    {{:ok, a}, {:ok, b}} -> IO.puts(%{lt: -1, eq: 0, gt: 1}[Version.compare(a, b)])
    _ -> IO.puts("?")
  end
end
"""


class MissingError(Exception):
    """A tool that is not here; the text says what is needed."""


class Tool(NamedTuple):
    """A reference: `start(folder)` gives its version and what answers pairs; it raises `MissingError`."""

    name: str
    ecosystems: tuple[str, ...]
    start: Callable[[Path], tuple[str, Callable[[list[Pair]], list[Answer]]]]
    at_most: int = 1_000_000


def program(name: str) -> str:
    """Find a program, or raise `MissingError`."""
    found = shutil.which(name)
    if found is None:
        raise MissingError(f"{name} is not installed")
    return found


def says(*command: str) -> str:
    """Give the first version that a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    match = re.search(r"\d+(?:\.\d+)+\S*", done.stdout + done.stderr)
    return match[0].strip("(),") if match else "?"


def filtered(*command: str, cwd: Path | None = None) -> Callable[[list[Pair]], list[Answer]]:
    """Make a tool of a command that reads lines of two versions and writes -1, 0, 1 or ? for each."""

    def ask(asked: list[Pair]) -> list[Answer]:
        done = subprocess.run(
            command,
            cwd=cwd,
            input="".join(f"{a}\t{b}\n" for a, b in asked),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        answers = [None if line == "?" else int(line) for line in done.stdout.split()]
        if len(answers) != len(asked):
            raise SystemExit(f"{command[0]} gave {len(answers)} answers to {len(asked)} questions")
        return answers

    return ask


Started = tuple[str, Callable[[list[Pair]], list[Answer]]]


def dpkg_perl(_folder: Path) -> Started:
    perl = program("perl")
    probe = subprocess.run(
        [perl, "-MDpkg", "-e", "print $Dpkg::PROGVERSION"], capture_output=True, text=True, check=False
    )
    if probe.returncode:
        raise MissingError("perl's Dpkg (libdpkg-perl) is not installed")
    return probe.stdout, filtered(perl, "-e", PERL)


def dpkg(_folder: Path) -> Started:
    return says(program("dpkg"), "--version"), filtered("sh", "-c", DPKG)


def rpm(_folder: Path) -> Started:
    return says(program("rpm"), "--version"), filtered("rpm", "--eval", LUA)


def npm(_folder: Path) -> Started:
    node = program("node")
    for root in (Path(node).resolve().parents[1] / "lib/node_modules", Path("/usr/share/nodejs")):
        for module in (root / "npm/node_modules/semver", root / "semver"):
            if (module / "index.js").exists():
                version = says("node", "-p", f"require('{module}/package.json').version")
                return version, filtered(node, "-e", NODE, str(module))
    raise MissingError("npm's semver is not installed")


def gem(_folder: Path) -> Started:
    return says(program("ruby"), "-e", "puts Gem::VERSION"), filtered("ruby", "-e", RUBY)


def composer(_folder: Path) -> Started:
    library = Path("/usr/share/php/Composer/Semver/autoload.php")
    php = program("php")
    if not library.exists():
        raise MissingError("composer/semver (php-composer-semver) is not installed")
    package = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "php-composer-semver"],
        capture_output=True,
        text=True,
        check=False,
    )
    return package.stdout.partition("-")[0], filtered(php, "-r", PHP, str(library))


def maven(folder: Path) -> Started:
    program("javac")
    installed = Path("/usr/share/maven/lib/maven-artifact-3.x.jar")
    cached = (Path.home() / ".m2/repository/org/apache/maven/maven-artifact").glob(
        "3.9.*/maven-artifact-*.jar"
    )
    found = [path for path in (*sorted(cached, reverse=True), installed) if path.exists()]
    if not found:
        raise MissingError("no maven-artifact is installed")
    jar = found[0].resolve()
    (folder / "Ask.java").write_text(JAVA)
    path = f"{folder}:{jar}:{jar.parent}/commons-lang3.jar"
    subprocess.run(["javac", "-cp", path, "-d", str(folder), str(folder / "Ask.java")], check=True)
    return says("sh", "-c", f"unzip -p '{jar}' 'META-INF/maven/*/pom.properties' | grep version="), filtered(
        "java", "-XX:TieredStopAtLevel=1", "-cp", path, "Ask"
    )


def packaging(_folder: Path) -> Started:
    try:
        import packaging as library
        from packaging.version import InvalidVersion, Version
    except ImportError as problem:
        raise MissingError("packaging is not installed") from problem

    @functools.cache
    def parsed(text: str) -> Version | None:
        try:
            return Version(text)
        except InvalidVersion:
            return None

    def ask(asked: list[Pair]) -> list[Answer]:
        both = ((parsed(a), parsed(b)) for a, b in asked)
        return [None if a is None or b is None else (a > b) - (a < b) for a, b in both]

    return library.__version__, ask


def pacman(_folder: Path) -> Started:
    name = ctypes.util.find_library("alpm")
    if name is None:
        raise MissingError("libalpm is not installed")
    library = ctypes.CDLL(name)
    library.alpm_version.restype = ctypes.c_char_p
    compare = library.alpm_pkg_vercmp
    compare.argtypes = (ctypes.c_char_p, ctypes.c_char_p)

    def ask(asked: list[Pair]) -> list[Answer]:
        answers = (compare(a.encode(), b.encode()) for a, b in asked)
        return [(answer > 0) - (answer < 0) for answer in answers]

    return library.alpm_version().decode(), ask


def go(module: str, version: str, package: str, body: str, folder: Path) -> Started:
    program("go")
    folder = folder / package.replace("/", "-")
    folder.mkdir(exist_ok=True)
    (folder / "go.mod").write_text(f"module ask\n\ngo 1.22\n\nrequire {module} {version}\n")
    (folder / "main.go").write_text(GO.replace("LIBRARY", package).replace("ASK", body))
    env = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    built = subprocess.run(
        ["go", "build", "-o", "ask", "."], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    if built.returncode:
        raise MissingError(f"{module} could not be built: {' '.join(built.stderr.split())[:200]}")
    return version.removeprefix("v"), filtered(str(folder / "ask"))


def go_module(folder: Path) -> Started:
    return go("golang.org/x/mod", "v0.17.0", "golang.org/x/mod/semver", GO_MODULE, folder)


def go_apk(folder: Path) -> Started:
    module = "github.com/knqyf263/go-apk-version"
    return go(module, "v0.0.0-20200609155635-041fdbb8563f", module, GO_APK, folder)


def cargo(folder: Path) -> Started:
    program("cargo")
    folder = folder / "cargo"
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(
        '[package]\nname = "ask"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\nsemver = "1"\n'
    )
    (folder / "src/main.rs").write_text(RUST)
    built = subprocess.run(
        ["cargo", "build", "--quiet"], cwd=folder, capture_output=True, text=True, check=False
    )
    if built.returncode:
        raise MissingError(f"semver could not be built: {' '.join(built.stderr.split())[:200]}")
    locked = re.search(r'name = "semver"\nversion = "([^"]+)"', (folder / "Cargo.lock").read_text())
    return locked[1] if locked else "?", filtered(str(folder / "target/debug/ask"))


def elixir(folder: Path) -> Started:
    script = folder / "ask.exs"
    script.write_text(ELIXIR)
    return says(program("elixir"), "--short-version"), filtered("elixir", str(script))


TOOLS = (
    Tool("Dpkg::Version", ("deb", "opam"), dpkg_perl),
    Tool("dpkg", ("deb", "opam"), dpkg, at_most=2000),
    Tool("rpm", ("rpm",), rpm),
    Tool("go-apk-version", ("apk",), go_apk),
    Tool("libalpm", ("alpm",), pacman),
    Tool("packaging", ("pypi",), packaging),
    Tool("npm semver", ("npm",), npm),
    Tool("x/mod/semver", ("golang",), go_module),
    Tool("maven-artifact", ("maven",), maven),
    Tool("RubyGems", ("gem",), gem),
    Tool("composer/semver", ("composer",), composer),
    Tool("semver (crate)", ("cargo",), cargo),
    Tool("Elixir", ("hex",), elixir),
)

NO_TOOL = {
    "generic": "none: the order is our own",
    "bitnami": "none: the order is our own",
    "conan": "none: the order is our own",
    "cran": "R could not be had",
    "hackage": "GHC could not be had",
    "julia": "Julia could not be had",
    "nuget": "NuGet.Versioning (.NET) could not be had",
    "pub": "pub_semver (Dart) could not be had",
    "swift": "Swift could not be had",
}

_SEMANTIC = frozenset({"npm", "cargo", "golang", "hex"})
_STRICT = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:[-+].*)?\Z")

RULES: dict[str, Callable[[str, str, str], bool]] = {
    "Wider than semantic versions": lambda ecosystem, a, b: (
        ecosystem in _SEMANTIC and a == b and not _STRICT.match(a)
    ),
    "Slips in Alpine's versions": lambda ecosystem, a, b: (
        ecosystem == "apk" and a == b and re.search(r"\.-|\.r|\d-\d|\d[a-z]\d", a) is not None
    ),
    "A Debian version that begins with a letter": lambda ecosystem, a, b: (
        ecosystem == "deb" and a == b and not a[0].isdigit()
    ),
}
"""The reasons of differences: does it hold in this ecosystem for these two versions, or for one that only one side reads?"""


def said(records: Iterable[Record], found: Versions) -> None:
    """Collect the versions that records name."""
    for record in records:
        for affected in record.affected if isinstance(record, Advisory) else ():
            here = found.setdefault(affected.ecosystem, {}).setdefault(affected.name, set())
            for span in affected.ranges:
                here.update((span.introduced, span.fixed, span.last_affected))
            here.update(affected.versions)


def sample_documents(folder: Path, feed: str) -> Iterator[Document]:
    """Give the vendors' samples for one feed."""
    for archive, pattern, owner, place in SAMPLES:
        path = folder / f"{archive}.tar.gz"
        if owner != feed or not path.exists():
            continue
        with tarfile.open(path) as members:
            for member in members:
                match = re.fullmatch(pattern, member.name)
                stream = members.extractfile(member) if match and member.isfile() else None
                if match and stream is not None:
                    yield Document(match.expand(place), functools.partial(io.BytesIO, stream.read()))


def collect(mirrors: Iterable[Path], samples: Path | None) -> Versions:
    """Give every version that occurs."""
    found: Versions = {}
    for feed in feeds():
        for mirror in mirrors:
            said(feed.parse(documents(mirror, feed.files)), found)
        if samples is not None:
            said(feed.parse(sample_documents(samples, feed.name)), found)
    return found


def usable(packages: dict[str, set[str]]) -> set[str]:
    """Give the versions that fit into a line of a tool's input."""
    texts = {text for versions in packages.values() for text in versions}
    return {text for text in texts if text and text.isprintable()}


def keys(ecosystem: str, texts: Iterable[str]) -> dict[str, bytes | None]:
    """Give our keys; None for what we do not order."""
    key = schemes()[ecosystem].key
    found: dict[str, bytes | None] = {}
    for text in texts:
        try:
            found[text] = key(text)
        except VersionError:
            found[text] = None
    return found


def chosen(packages: dict[str, set[str]], ordered: dict[str, bytes | None], count: int) -> list[Pair]:
    """Choose pairs: neighbours first, then half of what is left each of the same package and at random."""
    chance = random.Random(count)
    texts = sorted(text for text, key in ordered.items() if key is not None)
    texts.sort(key=lambda text: ordered[text] or b"")
    rest = sorted(text for text, key in ordered.items() if key is None)
    pairs = list(itertools.pairwise(texts)) + [(text, text) for text in rest]
    if len(pairs) > count // 2:
        pairs = chance.sample(pairs, count // 2)
    together = [
        pair
        for _, versions in sorted(packages.items())
        for pair in itertools.combinations(sorted(versions & ordered.keys()), 2)
    ]
    left = (count - len(pairs)) // 2
    pairs += together if len(together) <= left else chance.sample(together, left)
    everything = sorted(ordered)
    if len(everything) > 1:
        pairs += [tuple(chance.sample(everything, 2)) for _ in range(count - len(pairs))]  # type: ignore[misc]
    return list(dict.fromkeys(pairs))


class Result:
    """What a comparison with one tool gave; `found` has each difference with its reason, or none."""

    def __init__(self, ecosystem: str, ordered: dict[str, bytes | None]) -> None:
        self.ecosystem = ecosystem
        self.ordered = ordered
        self.pairs = self.wrong = 0
        self.only_ours: list[str] = []
        self.only_theirs: list[str] = []
        self.reasons: Counter[str] = Counter()
        self.unexplained: list[str] = []

    def run(self, asked: list[Pair], ask: Callable[[list[Pair]], list[Answer]]) -> None:
        """Ask which versions the tool reads, then the pairs of those that both read."""
        texts = sorted({text for pair in asked for text in pair})
        read = {
            text
            for text, answer in zip(texts, ask([(text, text) for text in texts]), strict=True)
            if answer == 0
        }
        for text in texts:
            if (self.ordered[text] is not None) != (text in read):
                (self.only_theirs if text in read else self.only_ours).append(text)
                self._explain(text, text, f"{text!r} is read by {'the tool' if text in read else 'us'} alone")
        both = [
            pair for pair in asked if all(self.ordered[text] is not None and text in read for text in pair)
        ]
        self.pairs = len(both)
        for (a, b), answer in zip(both, ask(both), strict=True):
            left, right = self.ordered[a] or b"", self.ordered[b] or b""
            ours = (left > right) - (left < right)
            if ours != answer:
                self.wrong += 1
                self._explain(a, b, f"{a} {sign(ours)} {b}, the tool says {sign(answer)}")

    def _explain(self, a: str, b: str, difference: str) -> None:
        reason = next((name for name, holds in RULES.items() if holds(self.ecosystem, a, b)), None)
        if reason is None:
            self.unexplained.append(difference)
        else:
            self.reasons[reason] += 1


def sign(answer: Answer) -> str:
    return "?" if answer is None else "<=>"[answer + 1]


def main() -> int:
    """Run the comparison and print its table; 1 when something has no reason."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("feeds", nargs="*", type=Path, default=[ROOT / "demo/feeds"])
    parser.add_argument("--samples", type=Path)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument(
        "--extra", action="append", default=[], metavar="ECOSYSTEM=FILE", help="more versions, one a line"
    )
    parser.add_argument("--only", default="", help="ecosystems, between commas")
    options = parser.parse_args()
    found = collect(options.feeds, options.samples)
    for extra in options.extra:
        ecosystem, _, path = extra.partition("=")
        lines = Path(path).read_text("utf-8").splitlines()
        more = {line for line in lines if not line.startswith("#")}
        found.setdefault(ecosystem, {}).setdefault("", set()).update(more)
    wanted = set(options.only.split(",")) if options.only else found.keys()
    print(
        "| ecosystem | tool | versions | pairs | in another order | read by us alone | by the tool alone | unexplained |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    reasons: Counter[str] = Counter()
    unexplained: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for ecosystem in sorted(found.keys() & wanted):
            ordered = keys(ecosystem, usable(found[ecosystem]))
            tools = [tool for tool in TOOLS if ecosystem in tool.ecosystems]
            if not tools:
                why = NO_TOOL.get(ecosystem, "no tool is known")
                print(f"| {ecosystem} | {why} | {len(ordered):,} |" + " – |" * 5)
            for tool in tools:
                try:
                    version, ask = tool.start(Path(folder))
                except MissingError as problem:
                    print(f"| {ecosystem} | {tool.name}: {problem} | {len(ordered):,} |" + " – |" * 5)
                    continue
                result = Result(ecosystem, ordered)
                result.run(chosen(found[ecosystem], ordered, min(options.pairs, tool.at_most)), ask)
                cells = (
                    len(ordered),
                    result.pairs,
                    result.wrong,
                    len(result.only_ours),
                    len(result.only_theirs),
                    len(result.unexplained),
                )
                print(
                    f"| {ecosystem} | {tool.name} {version} | {' | '.join(f'{cell:,}' for cell in cells)} |"
                )
                reasons += result.reasons
                unexplained += [f"{ecosystem}, {tool.name}: {text}" for text in result.unexplained]
    for name, count in reasons.most_common():
        print(f"\n{name}: {count:,}")
    for text in unexplained:
        print(text, file=sys.stderr)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
