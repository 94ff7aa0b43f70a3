"""One module an ecosystem or package database; each defines `DETECTOR`. See docs/howto/add-ecosystem.md."""
