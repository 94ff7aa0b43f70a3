"""One module a version scheme; each defines `SCHEME`. See docs/howto/add-version-scheme.md."""
