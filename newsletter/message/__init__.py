"""`Email` + subscriber -> wire-ready bytes. Pure."""
