# development
package hullmark.development

import data.hullmark.lib

found := lib.violations("development")

deny contains violation if {
	some violation in lib.standing(found)
	violation.level == "deny"
}

warn contains violation if {
	some violation in lib.standing(found)
	violation.level == "warn"
}

excepted contains violation if some violation in lib.excepted(found)
