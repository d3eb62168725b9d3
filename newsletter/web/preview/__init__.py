"""`newsletter preview`: a post in the browser, rendered again after each save.

`live_rendering` reads and renders, `reader_view` shows one reader's copy, `send_test` sends a test, `app` has the
routes, `server` runs it all and watches the files. The page itself is in `templates/preview`.
"""
