"""Parse Markdown into blocks and inlines."""
