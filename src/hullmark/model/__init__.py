"""The plain types that every room speaks. No input or output happens here."""
