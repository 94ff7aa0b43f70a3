"""Facts × advisories → findings: ids of one flaw merged, severity chosen, attribution. Pure."""
