"""The public pages. All input here is untrusted.

    connection (server) -> gateway (limits of size and time, headers, one-click) -> pages -> membership

Pages work without scripts and cookies, and load nothing from elsewhere.
"""
