"""list_tools."""
