"""An explanation, as text for people and as JSON. No report format: `hullmark explain` writes it."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from hullmark.advice.action import fix
from hullmark.advice.removal import REMOVE
from hullmark.model.explanation import Explained, Explanation, Heard, Outcome, Remedy, Unchecked
from hullmark.model.look import Look
from hullmark.model.printable import columns, encodable, wrapped
from hullmark.model.report import CHECKED, Component, Finding, Location, Suppression
from hullmark.model.whole import whole_finding
from hullmark.model.words import COVERAGE, age, stands
from hullmark.reports._terminal import BOLD, Text

_HEADS: dict[Outcome, str] = {
    "malicious": "malicious",
    "affected": "affected",
    "undecided": "it could not be decided",
    "changed": "not reported, but the advisories have changed since",
    "not_checked": "not checked",
    "suppressed": "found, and suppressed",
    "development": "only in what development needs",
    "not_affected": "not affected, by its publisher's word",
    "backported": "fixed by backport",
    "fixed": "fixed",
    "outside": "not in the affected versions",
    "other": "nothing that is said of it is on this package",
    "unspoken": "no publisher who was asked says that it is affected",
    "not_in_image": "not in the image",
    "unknown": "nothing is known of it",
}
_RED = frozenset({"malicious", "affected"})
_YELLOW = frozenset({"undecided", "changed", "not_checked", "suppressed", "development"})
_NAMED = {
    "expired": "has expired",
    "contradicted": "is contradicted by another one, so neither counts",
    "other_image": "is of another image",
    "kept": "says that it is affected",
    "claimed": "is claimed, and not applied",
    "unused": "fits no finding here",
}
_DECIDE = frozenset({"affected", "undecided", "not_affected", "fixed", "backported"})
_MOST_DECIDING = 6
_MOST_OTHERS = 4
_MOST_PLACES = 4
_MOST_PACKAGES = 30
_MOST_RATINGS = 10
_LONGEST = 400
"""Of a text from a feed or an image so much is shown; the JSON form has all of it."""


def render(explanations: Sequence[Explanation], look: Look) -> bytes:
    """Set explanations for people, one image after the other."""
    lines = [line for each in explanations for line in (*_Page(each, look).lines(), "")][:-1]
    return Text(look).encoded(lines)


def encode(explanations: Sequence[Explanation]) -> bytes:
    """Encode explanations: of one image as an object, of several as a list of them (docs/reference/explanation.schema.json)."""
    found = [encodable(replace(each, packages=tuple(map(_whole, each.packages)))) for each in explanations]
    body = msgspec.json.encode(found[0] if len(found) == 1 else found)
    return msgspec.json.format(body, indent=2) + b"\n"


def _whole(each: Explained) -> Explained:
    return each if each.finding is None else replace(each, finding=whole_finding(each.finding))


class _Page(Text):
    def __init__(self, explanation: Explanation, look: Look) -> None:
        super().__init__(look)
        self.said = explanation

    def lines(self) -> Iterator[str]:
        said = self.said
        head = _HEADS[said.outcome]
        affected = sum(each.outcome in _RED for each in said.packages)
        if affected > 1:
            head += f", {affected} packages"
        yield self._head(f"{said.id} in {said.image or 'this image'}: {head}", said.outcome)
        if len(said.ids) > 1:
            yield from self._text(f"also {', '.join(said.ids[1:9])}{_more(len(said.ids) - 9)}", 2)
        if said.title:
            yield from self._text(said.title, 2)
        for number, each in enumerate(said.packages[:_MOST_PACKAGES]):
            yield ""
            yield from self._package(each, full=number == 0)
        if len(said.packages) > _MOST_PACKAGES:
            yield f"and {len(said.packages) - _MOST_PACKAGES} more packages, all with --format json"
        yield from self._without_packages()
        yield from self._named()
        yield from self._asked()
        yield from self._not_checked()

    def _text(self, text: str, indent: int, *, hanging: int = 2) -> Iterator[str]:
        lines = wrapped(self.cut(text, _LONGEST), max(self.look.width - indent - hanging, 20))
        for number, line in enumerate(lines):
            yield " " * (indent + (hanging if number else 0)) + line

    def _head(self, text: str, outcome: Outcome) -> str:
        code = "1;31" if outcome in _RED else "1;33" if outcome in _YELLOW else "1;32"
        return self.paint(self.cut(text, _LONGEST), code)

    def _title(self, text: str) -> str:
        return f"  {self.paint(text, BOLD)}"

    # one package

    def _package(self, each: Explained, *, full: bool) -> Iterator[str]:
        finding = each.finding
        words = [_HEADS[each.outcome]]
        if finding is not None:
            if finding.id != self.said.id:
                words.insert(0, finding.id)
            words.append(_severity(finding))
        yield self._head(f"{_called(each)}: {', '.join(words)}", each.outcome)
        if not full:
            yield from self._short(each)
            return
        yield self._title("Why")
        yield from self._why(each)
        if each.component is not None or finding is not None:
            places = each.component.locations if each.component is not None else _places(finding)
            if places or (each.component is not None and each.component.via):
                yield self._title("Proof")
                yield from self._proof(places, each.component)
        if finding is not None and each.remedy is not None:
            yield self._title("Fix")
            for sentence in self._fix(each.remedy, finding, each.component):
                yield from self._text(sentence, 4)
        if each.ratings or (finding is not None and (finding.epss or finding.kev or finding.ssvc)):
            yield self._title("Severity")
            yield from self._ratings(each)
        yield from self._others(each)

    def _short(self, each: Explained) -> Iterator[str]:
        first = next((heard for heard in each.statements if heard.verdict in _DECIDE), None)
        if each.by is not None or each.filter:
            yield from self._text(_suppressed(each), 2)
        elif first is not None:
            yield from self._text(f"{self._statement(first)}: {first.because}", 2)
        else:
            yield from self._text(each.because, 2)
        if each.component is not None and each.component.locations:
            place = each.component.locations[0]
            yield from self._text(self._place(place) + _more(len(each.component.locations) - 1), 2)
        if each.finding is not None and each.remedy is not None:
            yield from self._text(next(self._fix(each.remedy, each.finding, each.component)), 2)

    def _why(self, each: Explained) -> Iterator[str]:
        if each.by is not None or each.filter:
            yield from self._text(_suppressed(each), 4)
        deciding = [heard for heard in each.statements if heard.verdict in _DECIDE]
        if not deciding or each.outcome in {"not_checked", "changed", "development", "malicious"}:
            yield from self._text(each.because, 4)
        for heard in deciding[:_MOST_DECIDING]:
            yield from self._heard(heard)
        if len(deciding) > _MOST_DECIDING:
            yield f"    and {len(deciding) - _MOST_DECIDING} more statements, all with --format json"

    def _heard(self, heard: Heard) -> Iterator[str]:
        yield from self._text(self._statement(heard), 4)
        order = f" (in the order of {heard.scheme} versions)" if heard.verdict != "not_affected" else ""
        yield from self._text(f"{heard.because}{order}", 6)
        if heard.note:
            yield from self._text(f"its publisher's remark: {heard.note}", 6)

    def _statement(self, heard: Heard) -> str:
        source = " (source)" if heard.scope == "source" else ""
        span = heard.range.replace("= ", "=").replace("< ", "<")
        if heard.versions:
            span = f"listed versions: {', '.join(heard.versions)}"
        state = heard.state.replace("_", " ")
        name = f"{heard.package}{source} " if heard.package else ""
        return f"{heard.record} in {heard.part} {heard.revision} ({heard.feed}): {name}{state}, {span}"

    def _others(self, each: Explained) -> Iterator[str]:
        others = [heard for heard in each.statements if heard.verdict not in _DECIDE]
        if not others and not each.more:
            return
        yield self._title("Also said")
        for heard in others[:_MOST_OTHERS]:
            yield from self._heard(heard)
        left = max(len(others) - _MOST_OTHERS, 0) + each.more
        if left:
            yield f"    and {left} more, all with --format json"

    def _proof(self, places: Sequence[Location], component: Component | None) -> Iterator[str]:
        for place in places[:_MOST_PLACES]:
            yield from self._text(self._place(place), 4)
            if place.created_by:
                yield from self._text(place.created_by, 6)
        if len(places) > _MOST_PLACES:
            yield f"    and {len(places) - _MOST_PLACES} more places"
        if component is not None and component.via:
            chain = (*component.via, f"{component.name}@{component.version}")
            yield from self._text(f"by way of {self.path(chain)}", 4)
        elif component is not None and component.direct:
            yield "    a direct dependency"

    def _place(self, place: Location) -> str:
        file = self.path([place.path, place.place] if place.place else [place.path])
        layer = f" in layer {place.layer}" if place.layer >= 0 else ""
        digest = f" ({place.layer_digest[:19]})" if place.layer_digest else ""
        whose = {True: ", of the base image", False: ", this image's own", None: ""}[place.from_base]
        return f"{file}{layer}{digest}{whose}"

    def _fix(self, remedy: Remedy, finding: Finding, component: Component | None) -> Iterator[str]:
        if remedy.action == "remove":
            yield REMOVE
            return
        if remedy.action == "release":
            yield f"go to {remedy.fixed_version or 'a release that is still supported'}: {_whose(remedy)}"
            return
        if remedy.action == "none":
            yield fix(finding)
            return
        yield f"{remedy.fixed_version} has the fix"
        name = component.name if component is not None else finding.name
        if remedy.inside and component is not None and component.origin == "binary":
            yield f"it is compiled into {remedy.inside}: build that with it, or take a newer release of it"
        elif remedy.inside:
            yield f"it is packed into {remedy.inside}: who builds that must put the newer one in"
        elif remedy.chain:
            yield f"{self.path(remedy.chain)}: update {remedy.direct} to a release that asks for it"
            yield f"else pin {name} to {remedy.fixed_version} by an override where the dependencies are locked"
        elif remedy.is_direct:
            yield "it is a direct dependency: ask for that version where it is declared"
        if remedy.owner or remedy.command or remedy.layer >= 0:
            yield _whose(remedy)

    def _ratings(self, each: Explained) -> Iterator[str]:
        for rating in each.ratings[:_MOST_RATINGS]:
            number = f"{rating.value:g}" if rating.value is not None else ""
            counts = "(this one counts)" if rating.counts else ""
            words = [
                self.cut(word, _LONGEST) for word in (rating.source, number, rating.vector, counts) if word
            ]
            line = "    " + "  ".join((rating.level.value, *words))
            yield from [line] if columns(line) <= self.look.width else self._text(line, 4)
        finding = each.finding
        if finding is None:
            return
        if finding.kev is not None:
            yield from self._text(f"known to be exploited since {finding.kev.added} (CISA KEV)", 4)
        if finding.epss is not None:
            yield f"    EPSS {finding.epss.probability:.1%}, above {finding.epss.percentile:.0%} of all"
        if finding.ssvc is not None:
            yield from self._text(f"exploitation: {finding.ssvc.exploitation or 'unknown'} (CISA SSVC)", 4)

    # what is not in the image

    def _without_packages(self) -> Iterator[str]:
        said = self.said
        if said.packages:
            return
        if said.spoken_of:
            yield from self._text(
                f"it is said of {', '.join(said.spoken_of)}; no package of the image has such a name", 2
            )
        elif said.catalogues:
            yield from self._text(
                f"known to {', '.join(said.catalogues)}, but no feed here says in which packages it is", 2
            )
        else:
            yield from self._text(
                "no feed and no catalogue in the database knows this id; one that its publisher has taken back is not kept",
                2,
            )
        if said.elsewhere:
            yield ""
            yield "Known elsewhere, where this image was not compared"
            for each in said.elsewhere[:_MOST_DECIDING]:
                yield from self._text(f"{each.record} in {each.part}: {', '.join(each.packages)}", 2)
            if len(said.elsewhere) > _MOST_DECIDING:
                yield f"  and in {len(said.elsewhere) - _MOST_DECIDING} more parts"

    def _named(self) -> Iterator[str]:
        if self.said.named:
            yield ""
            yield "Statements that name it and suppress nothing"
        for each in self.said.named[:_MOST_DECIDING]:
            yield from self._text(f"{stands(each)} {_NAMED.get(each.state, each.state)}{_until(each)}", 2)
        if len(self.said.named) > _MOST_DECIDING:
            yield f"  and {len(self.said.named) - _MOST_DECIDING} more"

    def _asked(self) -> Iterator[str]:
        said = self.said
        if said.changed:
            yield ""
            yield from self._text(
                f"the report was made with another revision of {', '.join(said.changed)} than the database has now",
                0,
            )
        if any(each.finding is not None for each in said.packages):
            return
        yield ""
        if not said.asked:
            yield "No advisories were asked about this image"
            return
        yield "Asked about this image"
        for part in said.asked[:_MOST_PACKAGES]:
            old = f", {age(part.age_hours)} old" if part.age_hours is not None else ""
            yield from self._text(f"{part.part} {part.revision}{old}{', stale' * part.stale}", 2)
        if len(said.asked) > _MOST_PACKAGES:
            yield f"  and {len(said.asked) - _MOST_PACKAGES} more"

    def _not_checked(self) -> Iterator[str]:
        said = self.said
        if said.outcome in _RED:
            return
        doubtful = [each for each in said.unchecked if each.state in CHECKED]
        if doubtful:
            yield ""
            yield "Checked, but not to be relied on"
            yield from self._uncheckeds(doubtful)
        unchecked = [each for each in said.unchecked if each.state not in CHECKED]
        if not (unchecked or said.unread or said.dev_packages):
            return
        yield ""
        yield "Not checked, which is not the same as not affected"
        yield from self._uncheckeds(unchecked)
        if said.dev_packages:
            yield f"  {said.dev_packages} that lock files name for development only (--include-dev)"
        for text in said.unread:
            yield from self._text(f"could not be read: {text}", 2)

    def _uncheckeds(self, groups: Sequence[Unchecked]) -> Iterator[str]:
        for each in groups:
            missing = (
                f" ({', '.join(each.missing[:_MOST_PLACES])})"
                if each.missing and each.state == "feed_missing"
                else ""
            )
            names = f": {', '.join(each.examples)}{_more(each.packages - len(each.examples))}"
            what = (
                f"{each.packages} of {each.ecosystem}, {COVERAGE.get(each.state, each.state)}{missing}{names}"
            )
            yield from self._text(what, 2)


def _called(each: Explained) -> str:
    component = each.component
    if component is not None:
        return f"{component.name} {component.version} ({component.ecosystem})"
    return f"{each.finding.name} {each.finding.version}" if each.finding is not None else "the image"


def _places(finding: Finding | None) -> Sequence[Location]:
    return finding.locations if finding is not None else ()


def _severity(finding: Finding) -> str:
    whose = f" by {finding.severity_source}" if finding.severity_source else ""
    return (
        f"{finding.severity.value}{whose}"
        if whose or finding.severity != "unknown"
        else "of unknown severity"
    )


def _suppressed(each: Explained) -> str:
    """Say by what a finding is taken out of the list."""
    if each.by is None:
        return f"left out: {each.filter}"
    by = each.by
    said = ": ".join(word for word in (by.status, by.justification, by.reason) if word)
    author = f", by {by.author}" if by.author else ""
    return f"suppressed by {stands(by)}: {said or 'no reason given'}{author}{_until(by)}"


def _until(by: Suppression) -> str:
    return f" (until {by.expires})" if by.expires else ""


def _whose(remedy: Remedy) -> str:
    """Say who can put the fix in, and how."""
    command = f"; in the image: {remedy.command}" if remedy.command else ""
    if remedy.owner == "base":
        name = f" {remedy.base}" if remedy.base else ""
        return f"it comes with the base image{name}: take a newer one, its owner ships the fix{command}"
    if remedy.owner == "own":
        by = f" ({remedy.instruction})" if remedy.instruction else ""
        return f"its layer is this image's own{by}: {_anew(remedy)}{command}"
    if remedy.layer >= 0:
        by = f" ({remedy.instruction})" if remedy.instruction else ""
        names = f" and names that version, so name {remedy.fixed_version} there" * (remedy.how == "names")
        return f"layer {remedy.layer}{by} brought it{names}; whether that is a base image's is not known{command}"
    return f"in the image: {remedy.command}" if remedy.command else "take an image with it"


def _anew(remedy: Remedy) -> str:
    """Say what brings the fix into a layer of the image's own."""
    if remedy.how == "names":
        return f"it names that version, so name {remedy.fixed_version} there"
    if remedy.how == "copies":
        return "what it copies must have the newer one"
    return "build that anew, without the cache" if remedy.command else "build that anew with the newer one"


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""
