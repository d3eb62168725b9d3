"""What comes back: bounces, complaints, unsubscribe requests, and mail that is none of these.

Pure but for `mailboxes` and `process`. `message_kind` takes the bytes of one message from anybody and gives a
`Classification`, in bounded time whatever the bytes are; `failure_kind` judges a failure. Nothing here knows who is on
a list: `process` asks.
"""
