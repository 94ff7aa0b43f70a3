"""The parts of the HTML page, each a function from a report to markup, and its style and script."""
