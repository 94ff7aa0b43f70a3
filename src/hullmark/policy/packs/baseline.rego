# baseline
package hullmark.baseline

import data.hullmark.lib

found := lib.violations("baseline")

deny contains violation if {
	some violation in lib.standing(found)
	violation.level == "deny"
}

warn contains violation if {
	some violation in lib.standing(found)
	violation.level == "warn"
}

excepted contains violation if some violation in lib.excepted(found)
