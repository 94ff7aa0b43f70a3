"""What is known of packages: feeds, version orders, the embedded database and the matcher."""
