# strict
package hullmark.strict

import data.hullmark.lib

found := lib.violations("strict")

deny contains violation if {
	some violation in lib.standing(found)
	violation.level == "deny"
}

warn contains violation if {
	some violation in lib.standing(found)
	violation.level == "warn"
}

excepted contains violation if some violation in lib.excepted(found)
