"""Which scripts are broken beyond doubt. Compared with `bash -n` on 1,347 scripts of distributions and projects: none that it takes is called broken."""

import time

import pytest

from hullmark.detectors.config.dockerfile import lint
from hullmark.detectors.config.dockerfile._shell_balance import is_broken
from hullmark.detectors.config.dockerfile.parser import parse
from hullmark.model.advisory import Severity

BROKEN = [
    'echo "a', "echo 'a", "echo $'a", "echo $(a", "echo `a", "echo ${a", "if a; then b", "if a; b; fi", "a; fi", "for i in a; do b", "{ a;",
    "case a in b) c;;", "a && && b", "a || | b", "a &&", "a |", "(a; b", "cat <<E\nx\nE\necho 'a",
]  # fmt: skip
WHOLE = [
    "if [[$3]]; then a; fi", "for i do a; done", "for i\ndo a\ndone", "case $x in a|b) c;; (d) e;; esac", "x=$(case a in b) c;; esac)",
    "f() { a; }", "f () ( a )", "function f { a; }", "f() { a; };b", "echo $((1 + (2)))", 'echo "$(echo "a b" `c`)" # it\'s', "echo a#b 'c'",
    "find . -exec x {} \\; -exec y {} +", "echo {a,b} ${x:-}} ${x#'}'}", "a &&\n b", "a |\n# it's\n b", "a && \\\n  # it's\n  b", "echo done if fi",
    "cat <<E; if true\nit's\nE\nthen a; fi", "cat <<-...\n\tit's\n\t...\n", "a <<<'b' && c", "while a; do b; done<<<$(c)", "a 2>&1 | b & c", "[ a ] && { b; } || { c; }",
    "echo \\\" \\' $x", "echo $'a\\'b'", "while read x; do a; done < <(b)", "if a; then b; elif c; then d; else e; fi", "(a; b) && (c)",
    "until a; do b; done", "a;\n\n\nb", 'echo "${a:-"b"}" "it${x:+\'}"', 'arr=(a b "c)")', 'echo $# "$#" ${#x}', "[[ a =~ ^(b|c)$ ]] && d",
    'echo "\\$(" a', "a `# it's`", "cat > /m <<'E'\n\\1;\nE\ncat <<'F'\nF", "{entrypoint}", "",
]  # fmt: skip


@pytest.mark.parametrize("script", BROKEN)
def test_broken(script: str) -> None:
    assert is_broken(script)


@pytest.mark.parametrize("script", WHOLE)
def test_whole(script: str) -> None:
    assert not is_broken(script)


def test_what_only_the_grammar_calls_broken_is_told_of_and_fails_nothing() -> None:
    text = "FROM debian:12.7\nRUN V=4 a::b && true\nCMD {entrypoint}\n"
    found = lint.problems(parse(text, "Dockerfile"), {"shell-syntax"})
    assert [(one.rule.id, one.severity) for one in found] == [("shell-syntax", Severity.NEGLIGIBLE)] * 2
    (one,) = lint.problems(parse('FROM a\nRUN echo "a\n', "Dockerfile"), {"shell-syntax"})
    assert one.severity is None


@pytest.mark.parametrize(
    "part",
    ['"', "$(", "${", "'", "`", "{", "\\", "a", "$", "((", "<<A", "&", "$'\\", "#", "{a", '"${', "<<A\nA\n"],
)
def test_time_grows_with_the_length(part: str) -> None:
    start = time.process_time()
    is_broken(part * (200_001 // len(part)))
    assert time.process_time() - start < 2
