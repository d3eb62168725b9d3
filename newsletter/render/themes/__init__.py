"""Themes: where they are, what they may say."""
