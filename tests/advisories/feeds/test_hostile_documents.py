"""Documents whose cost is out of all proportion where a reader is careless: they are read, or refused, in linear time."""

import io
import time
from collections.abc import Iterable

import pytest

from hullmark.advisories.feed import Document
from hullmark.advisories.registry import feeds

FEEDS = {feed.name: feed for feed in feeds()}
N = 60_000


def listed(items: Iterable[str]) -> str:
    return "[" + ",".join(items) + "]"


def erratum(*criteria: str) -> str:
    return (
        '<o><definition id="a" class="patch"><metadata><title>ELSA-2020-1234: x</title></metadata>'
        f'<criteria operator="AND">{"".join(criteria)}</criteria></definition></o>'
    )


def either(items: Iterable[str]) -> str:
    return f'<criteria operator="OR">{"".join(items)}</criteria>'


def leaf(comment: str) -> str:
    return f'<criterion comment="{comment}"/>'


BUILDS = [leaf(f"p{number} is earlier than 0:1-1") for number in range(N // 4)]
RELEASES = [leaf(f"Oracle Linux {number} is installed") for number in range(N // 4)]
PAGE = "<h1 id=''>ALAS2-2020-1</h1> Amazon Linux 2 Security Advisory <div id='new_packages'><pre>"

CASES = {
    "headings that do not end": ("amazon", "amazon/ALAS-1.html", "<h1" * N),
    "a build without hyphens": ("amazon", "amazon/ALAS-1.html", f"{PAGE}{'a' * N}</pre>"),
    "a flaw without a hyphen": ("debian", "debian/DSA-list", f"[1 Jan 2020] DSA-1 x - y\n\t{{{'A' * 2 * N}}}\n"),
    "empty lines": ("rustsec", "rustsec/crates/x/a.md", "```toml" + "\n" * N),
    "a number without end": ("rustsec", "rustsec/crates/x/a.md", f"```toml\na = {'9' * N}\n```\n"),
    "flaws beside other ids": (
        "alpine",
        "alpine-secdb/v3.9/main.json",
        '{"distroversion":"v3.9","packages":[{"pkg":{"name":"x","secfixes":{"1":'
        + listed(f'"CVE-2020-{10000 + number} XYZ-{number}"' for number in range(N // 4))
        + "}}}]}",
    ),
    "products that stand together": (
        "nvd",
        "nvd/a.json",
        '{"vulnerabilities":[{"cve":{"id":"CVE-2020-1","configurations":[{"operator":"AND","nodes":'
        + listed(
            f'{{"cpeMatch":[{{"criteria":"cpe:2.3:a:v{number}:p:1:*:*:*:*:*:*:*"}}]}}' for number in range(N // 20)
        )
        + "}]}}]}",
    ),
    "criteria times criteria": ("oracle", "oracle/a.xml", erratum(either(BUILDS), leaf("Module a:1 is enabled") * (N // 4))),
    "bounds that hold together": ("oracle", "oracle/a.xml", erratum(*BUILDS)),
    "releases times packages": (
        "oracle",
        "oracle/a.xml",
        erratum(either(RELEASES[:3000]), f'<criteria operator="AND">{"".join(BUILDS[:1000])}</criteria>'),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CASES))
def test_time_is_linear(name: str) -> None:
    feed, path, text = CASES[name]
    started = time.process_time()
    found = list(FEEDS[feed].parse(iter([Document(path, lambda: io.BytesIO(text.encode()))])))
    assert time.process_time() - started < 4  # some of these take minutes where the time is not linear
    assert found or feed == "debian"
