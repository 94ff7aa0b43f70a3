# What the packs share: each rule says what speaks against an image, by its settings in a pack.
#
# `data.hullmark.rules` has the rules with the settings that count where nothing else is said, `data.hullmark.packs` what each pack says. Over both stands
# `data.hullmark.settings`, yours: `settings.production.vulnerable.severity`, or `settings.every…` for all packs. `data.hullmark.exceptions` are yours as well.
package hullmark.lib

default own_settings := {}

own_settings := data.hullmark.settings

default own_exceptions := []

own_exceptions := data.hullmark.exceptions

now := input.context.as_of_ns

day_ns := 86400000000000

ranks := {"critical": 0, "high": 1, "medium": 2, "low": 3, "negligible": 4}

confidences := {"high": 0, "medium": 1, "low": 2}

# The settings of a rule in a pack.
settings(pack, rule) := object.union_n([
	data.hullmark.rules[rule].defaults,
	object.get(data.hullmark.packs[pack], rule, {"level": "off"}),
	object.get(object.get(own_settings, "every", {}), rule, {}),
	object.get(object.get(own_settings, pack, {}), rule, {}),
])

# All that speaks against the image by a pack; `level` is the rule's. These are lists, since a set compares all that it takes in: `deny` and `warn` are sets.
violations(pack) := [violation |
	some rule, about in data.hullmark.rules
	setting := settings(pack, rule)
	setting.level != "off"
	common := {"rule": rule, "level": setting.level, "fix": about.fix, "controls": about.controls}
	some hit in hits(rule, setting)
	violation := object.union(common, hit)
]

# Those that no exception covers.
standing(violations) := violations if count(own_exceptions) == 0

standing(violations) := [violation | some violation in violations; count(covering(violation)) == 0] if count(own_exceptions) > 0

# Those that an exception covers, with its owner, reason and end.
excepted(_) := set() if count(own_exceptions) == 0

excepted(violations) := {object.union(violation, first) |
	some violation in violations
	found := covering(violation)
	count(found) > 0
	first := found[0]
} if count(own_exceptions) > 0

# ── the rules ─────────────────────────────────────────────────────────────────────────────────────────────────

hits("malicious-package", _) := [told(finding, message) |
	some finding in input.findings
	finding.kind == "malicious"
	message := sprintf("%s %s is a malicious package (%s)", [finding.name, finding.version, finding.id])
]

hits("known-exploited", setting) := [told(finding, message) |
	limit := day(setting.grace_days - 1)
	some finding in wanted(setting)
	is_object(finding.kev)
	is_before(object.get(finding.kev, "added", ""), limit)
	message := sprintf("%s in %s %s is being exploited", [finding.id, finding.name, finding.version])
]

hits("vulnerable", setting) := [told(finding, message) |
	counted := severe(setting) | {"unknown" | setting.unknown}
	some finding in wanted(setting)
	finding.severity in counted
	message := sprintf("%s in %s %s is %s", [finding.id, finding.name, finding.version, finding.severity])
]

hits("fix-available", setting) := [told(finding, message) |
	limits := {severity: {"days": days, "day": day(days - 1)} | some severity, days in setting.grace_days}
	some finding in wanted(object.union(setting, {"fixable_only": true}))
	limit := limits[finding.severity]
	is_before(fixed_on(finding), limit.day)
	message := sprintf("%s in %s %s is %s, can be fixed (%s), and has been known for %v days or more", [
		finding.id,
		finding.name,
		finding.version,
		finding.severity,
		finding.fixed_version,
		limit.days,
	])
]

hits("old-vulnerability", setting) := [told(finding, message) |
	limit := day(setting.days)
	counted := severe(setting)
	some finding in wanted(setting)
	finding.severity in counted
	is_before(finding.published, limit)
	message := sprintf("%s in %s %s is %s, and has been public for more than %v days", [
		finding.id,
		finding.name,
		finding.version,
		finding.severity,
		setting.days,
	])
]

hits("cvss", setting) := [told(finding, message) |
	some finding in wanted(setting)
	highest := max([score.value | some score in finding.scores; is_number(score.value)])
	highest >= setting.score
	message := sprintf("%s in %s %s has a CVSS score of %v", [finding.id, finding.name, finding.version, highest])
]

hits("epss", setting) := [told(finding, message) |
	some finding in wanted(setting)
	is_object(finding.epss)
	finding.epss.probability >= setting.probability
	message := sprintf("%s in %s %s is exploited with a probability of %v", [
		finding.id,
		finding.name,
		finding.version,
		finding.epss.probability,
	])
]

hits("end-of-life", _) := [told(finding, message) |
	some finding in input.findings
	finding.kind == "end_of_life"
	message := sprintf("%s %s gets no fixes any more", [finding.name, finding.version])
]

hits("secret", setting) := [told_issue(secret, message) |
	counted := severe(setting)
	some secret in input.secrets
	secret.severity in counted
	confidences[secret.confidence] <= confidences[setting.confidence]
	message := sprintf("%s in %s", [secret.rule, place(secret.path, secret.line)])
]

hits("root-user", _) := {told_issue(problem, problem.message) |
	some problem in input.config
	problem.rule in {"image-root-user", "image-no-user"}
}

hits("port", _) := {told_issue(problem, problem.message) |
	some problem in input.config
	startswith(problem.rule, "image-port-")
}

hits("setuid", setting) := {told_issue(problem, problem.message) |
	some problem in input.config
	problem.rule == "image-setuid-file"
	is_own(problem, setting)
}

hits("misconfiguration", setting) := [told_issue(problem, problem.message) |
	some problem in input.config
	not problem.rule in {"image-root-user", "image-no-user", "image-setuid-file"}
	not startswith(problem.rule, "image-port-")
	not problem.rule in setting.except
	is_asked(problem, setting)
	is_own(problem, setting)
]

hits("licence", setting) := {{"package": component.purl, "message": message} |
	count(setting.blocked) + count(setting.allowed) > 0
	licences := {licence | some component in input.packages; some licence in component.licences}
	unwanted := {licence | some licence in licences; is_unwanted(licence, setting)}
	count(unwanted) > 0
	some component in input.packages
	some licence in component.licences
	licence in unwanted
	message := sprintf("%s %s is under %s", [component.name, component.version, licence])
}

hits("blocked-package", setting) := {{"package": component.purl, "message": message} |
	some component in input.packages
	some pattern in setting.packages
	is_named(component, pattern)
	message := sprintf("%s %s must not be there", [component.name, component.version])
}

hits("base-image", setting) := {{"message": "the base image is not known, so it is none of those allowed"} |
	count(setting.allowed) > 0
	not has_base
} | {{"message": sprintf("the base image %s is not allowed", [input.image.base.name])} |
	count(setting.allowed) > 0
	has_base
	not fits_any(input.image.base.name, setting.allowed)
}

hits("registry", setting) := {{"message": message} |
	count(setting.allowed) > 0
	name := concat("/", [part | some part in [input.context.registry, input.context.repository]; part != ""])
	not fits_any(input.context.registry, setting.allowed)
	not fits_any(name, setting.allowed)
	message := sprintf("%s is not from an allowed registry", [said(name, "the image")])
}

hits("unpinned", _) := {{"message": message} |
	input.context.registry != ""
	not contains(input.context.reference, "@sha256:")
	not contains(input.context.reference, "@sha512:")
	message := sprintf("%s names its image without a digest", [input.context.reference])
}

hits("image-age", setting) := {{"message": message} |
	created := input.image.config.created
	is_string(created)
	not startswith(created, "1970-")
	not startswith(created, "1980-01-01")
	not startswith(created, "0001-")
	is_before(created, day(setting.days))
	message := sprintf("the image was built more than %v days ago (%s)", [setting.days, substring(created, 0, 10)])
}

hits("unscanned", setting) := {{"message": message} |
	some scanner in setting.scanners
	not scanner in input.coverage.scanners
	message := sprintf("nobody looked: the scanner %q did not run", [scanner])
}

hits("incomplete-scan", setting) := ({{"message": message, "finding": path} |
	some unread in input.errors
	unread.kind in {"layer", "package_database"}
	path := object.get(unread, "path", "")
	message := sprintf("%s could not be read: %s", [said(path, "a layer"), object.get(unread, "reason", "")])
} | {{"message": message} |
	setting.unchecked
	input.coverage.not_checked > 0
	message := sprintf("%v packages were not compared with advisories", [input.coverage.not_checked])
}) | {{"message": message, "finding": part.part} |
	setting.database_hours > 0
	some part in input.database.parts
	part.age_hours > setting.database_hours
	message := sprintf("the advisories of %s are older than %v hours", [part.part, setting.database_hours])
}

hits("signature", setting) := {{"message": message} |
	count(setting.types) == 0
	count(signatures(setting)) == 0
	message := "there is no attestation of it that is verified"
} | {{"message": message} |
	some type in setting.types
	not type in {signature.predicate_type | some signature in signatures(setting)}
	message := sprintf("there is no verified attestation of type %s", [type])
}

hits("unjustified-ignore", _) := {{"message": message, "finding": entry.finding.id, "package": entry.finding.purl} |
	some entry in input.suppressed
	entry.by >= 0
	statement := input.suppressions[entry.by]
	statement.status == ""
	missing := lacking(statement)
	count(missing) > 0
	message := sprintf("%s is ignored without %s", [entry.finding.id, concat(", ", missing)])
} | {{"message": message, "finding": entry.rule} |
	some entry in input.silenced
	entry.by >= 0
	statement := input.suppressions[entry.by]
	statement.status == ""
	missing := lacking(statement)
	count(missing) > 0
	message := sprintf("%s is ignored without %s", [entry.rule, concat(", ", missing)])
}

hits("exception", _) := {{"message": message, "finding": object.get(entry, "finding", "")} |
	some entry in own_exceptions
	is_whole(entry)
	is_over(entry)
	message := sprintf("the exception for %s of %s ended on %s", [subject(entry), entry.owner, entry.expires])
} | {{"message": message, "finding": object.get(entry, "finding", "")} |
	some entry in own_exceptions
	not is_whole(entry)
	message := sprintf("the exception for %s counts for nothing: it needs owner, reason and expires (YYYY-MM-DD)", [subject(entry)])
}

# ── findings ──────────────────────────────────────────────────────────────────────────────────────────────────

flaw_kinds := {"vulnerability", "bundle"}

flaws := [finding |
	some finding in input.findings
	finding.kind in flaw_kinds
]

fixable := [finding |
	some finding in flaws
	finding.fixed_version != ""
	not finding.fix_is_malicious
]

told(finding, message) := {
	"finding": finding.id,
	"package": finding.purl,
	"severity": finding.severity,
	"message": message,
	"fix": sprintf("upgrade %s to %s", [finding.name, finding.fixed_version]),
} if {
	finding.fixed_version != ""
	not finding.fix_is_malicious
} else := {
	"finding": finding.id,
	"package": finding.purl,
	"severity": finding.severity,
	"message": message,
	"fix": "there is no fix yet: take it out, or except it for a while",
}

told_issue(issue, message) := {"finding": issue.rule, "severity": issue.severity, "message": message, "controls": issue.controls} if {
	count(issue.controls) > 0
} else := {"finding": issue.rule, "severity": issue.severity, "message": message}

fixed_on(finding) := finding.published if {
	count(finding.bundles) == 0
} else := min(dates) if {
	dates := {bundle.published | some bundle in finding.bundles; bundle.published != ""}
	count(dates) > 0
} else := finding.published

# The flaws that a rule asks for: all, or only those with a fix, or those that the base image did not bring.
wanted(setting) := flaws if {
	not narrows(setting, "fixable_only")
	not narrows(setting, "own_layers_only")
} else := fixable if {
	not narrows(setting, "own_layers_only")
} else := [finding | some finding in flaws; not finding.from_base == true] if {
	not narrows(setting, "fixable_only")
} else := [finding | some finding in fixable; not finding.from_base == true]

narrows(setting, key) if object.get(setting, key, false)

# The severities that count.
severe(setting) := {severity | some severity, rank in ranks; rank <= ranks[setting.severity]}

is_own(_, setting) if not narrows(setting, "own_layers_only")

is_own(issue, setting) if {
	narrows(setting, "own_layers_only")
	not issue.from_base == true
}

is_asked(problem, setting) if problem.severity in severe(setting)

is_asked(problem, setting) if problem.rule in setting.rules

# ── times ─────────────────────────────────────────────────────────────────────────────────────────────────────

# The day so many days back. Dates are compared as the texts that they are (their first ten letters).
day(days) := sprintf("%v-%s-%s", [year, two(month), two(date)]) if [year, month, date] := time.date(now - (days * day_ns))

two(number) := sprintf("0%v", [number]) if number < 10

two(number) := sprintf("%v", [number]) if number >= 10

# Whether a time lies before a day. What is no date does: nobody gets a grace for it.
is_before(text, limit) if substring(text, 0, 10) < limit

is_before(text, _) if text >= "3"

is_date(text) if regex.match(`^2\d\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$`, text)

# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────

fits_any(name, patterns) if {
	some pattern in patterns
	glob.match(pattern, null, name)
}

is_named(component, pattern) if glob.match(pattern, null, component.name)

is_named(component, pattern) if glob.match(pattern, null, component.purl)

is_named(component, pattern) if glob.match(concat("", [pattern, "@*"]), null, component.purl)

# A choice of licences (`A OR B`) is unwanted where each of them is.
is_unwanted(licence, setting) if {
	every choice in split(upper(licence), " OR ") {
		some word in words_of(choice)
		is_bad(word, setting)
	}
}

words_of(choice) := {word |
	some word in split(replace(replace(choice, "(", " "), ")", " "), " ")
	not word in {"", "AND", "WITH"}
}

is_bad(word, setting) if {
	some pattern in setting.blocked
	glob.match(upper(pattern), null, word)
}

is_bad(word, setting) if {
	count(setting.allowed) > 0
	not fits_any(word, [upper(pattern) | some pattern in setting.allowed])
}

has_base if {
	input.image.base.name != ""
	not input.image.base.evidence in {"claimed", "none"}
}

signatures(setting) := [signature |
	some signature in input.context.attestations
	signature.verified
	is_by(signature, setting)
]

is_by(_, setting) if count(setting.identities) == 0

is_by(signature, setting) if fits_any(signature.identity, setting.identities)

place(path, line) := path if line == 0

place(path, line) := sprintf("%s:%v", [path, line]) if line > 0

said(name, _) := name if name != ""

said(name, other) := other if name == ""

# ── exceptions ────────────────────────────────────────────────────────────────────────────────────────────────

lacking(statement) := [word |
	some word, value in {"an owner": statement.author, "a reason": statement.reason, "an expiry": statement.expires}
	value == ""
]

covering(violation) := [{"owner": entry.owner, "reason": entry.reason, "expires": entry.expires} |
	some entry in own_exceptions
	is_whole(entry)
	not is_over(entry)
	is_about(entry, violation)
]

is_whole(entry) if {
	every key in ["owner", "reason", "expires"] {
		is_string(entry[key])
		trim_space(entry[key]) != ""
	}
	is_date(entry.expires)
	some key in ["rule", "finding", "package"]
	is_string(entry[key])
}

# It counts through the day on which it expires.
is_over(entry) if entry.expires < day(0)

is_about(entry, violation) if {
	every key in ["rule", "finding", "package"] {
		fits(object.get(entry, key, ""), object.get(violation, key, ""))
	}
	is_of_image(object.get(entry, "image", ""))
}

fits(pattern, _) if pattern == ""

fits(pattern, value) if {
	pattern != ""
	glob.match(pattern, null, value)
}

is_of_image(pattern) if pattern == ""

is_of_image(pattern) if {
	pattern != ""
	glob.match(pattern, null, input.context.reference)
}

subject(entry) := concat(" ", [object.get(entry, key, "") |
	some key in ["rule", "finding", "package"]
	object.get(entry, key, "") != ""
])
