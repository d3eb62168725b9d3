"""Pictures: find, fetch, convert, embed."""
