"""The public pages. Everything that comes in here is from strangers.

    connection (server) -> front (limits of size and time, headers, one-click) -> pages -> membership

Pages work without scripts and without cookies, and load nothing from elsewhere.
"""
