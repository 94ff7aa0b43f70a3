"""Perl's order against Perl's own `version`."""

import re
import shutil
import subprocess

import pytest

from hullmark.advisories.versions.cpan import key
from versions.pairs import keys, mutated, pairs, real, refused, table, wrong

BITS = [".", "_", "v", ".0", ".00", ".000", "_01", "1.2.3", "a", "-TRIAL"]
PROGRAM = """
my $texts = <STDIN>;
for (1 .. $texts) {
    chomp(my $text = <STDIN>);
    print defined(eval { no warnings; version->parse($text) }) ? 1 : 0, "\\n";
}
while (<STDIN>) {
    chomp;
    my ($a, $b) = split /\\t/;
    print version->parse($a) <=> version->parse($b), "\\n";
}
"""


def test_every_real_version_has_a_key() -> None:
    assert refused(key, real("cpan")) == []


@pytest.mark.skipif(shutil.which("perl") is None, reason="Perl is not here")
def test_like_perl() -> None:
    seeds = [*real("cpan"), "v1.2.3", "1.02_03", "5.010", ".5", "1."]
    texts = [*seeds, *table("cpan"), *mutated(seeds, BITS, 5000)]
    # Perl takes a number of ten digits and more for the largest that it knows
    texts = [text for text in texts if not re.search(r"(^|[.v])[0-9]{10}", text)]
    ordered = keys(key, texts)
    asked = pairs(ordered, 5000)
    given = [str(len(texts)), *texts, *(f"{a}\t{b}" for a, b in asked)]
    done = subprocess.run(
        ["perl", "-e", PROGRAM], input="\n".join(given) + "\n", capture_output=True, text=True, check=True
    )
    answers = list(map(int, done.stdout.split()))
    valid = [text for text, known in zip(texts, answers, strict=False) if known]
    # Perl also takes these, for nothing and for what stands before the underscore
    odd = {text for text in set(valid) - set(ordered) if not text.endswith("_")}
    assert odd <= {".", "undef"}
    assert sorted(set(ordered) - set(valid)) == []
    assert wrong(ordered, asked, answers[len(texts) :]) == []
