"""`newsletter check`: rules over a post and its email."""
