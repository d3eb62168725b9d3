"""What comes back: bounces, complaints, unsubscribe requests, and mail that is none of these.

Pure. `read.read_message` takes the bytes of one message from anybody and gives a `readings.Reading`, in bounded time
whatever the bytes are; `score.soft_score` counts. Nothing here knows who is on a list: `bounce_run` finds that out.
"""
