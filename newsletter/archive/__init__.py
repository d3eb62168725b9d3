"""The web archive of what was sent: pages, feeds and search as files that any web server shows."""
