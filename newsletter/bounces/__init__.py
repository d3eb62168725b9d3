"""Incoming mail: bounces, complaints, unsubscribe requests, and everything else.

Pure but for `mailboxes` and `process`. `message_kind` maps the bytes of one untrusted message to a `Classification`, in
bounded time; `failure_kind` classifies a failure. Nothing here knows the subscribers: `process` asks the store.
"""
