"""Compose `Email` + subscriber to wire-ready bytes. Pure."""
