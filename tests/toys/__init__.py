"""Made-up records for tests of everything that is built on the database."""
