"""One module a publisher; each defines `FEED`. See docs/howto/add-feed.md."""
