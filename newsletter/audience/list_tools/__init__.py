"""Tools for lists: survey, convert, merge, compare."""
