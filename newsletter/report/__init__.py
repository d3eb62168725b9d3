"""The delivery report: `newsletter report`."""
