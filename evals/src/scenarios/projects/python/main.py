"""@app@: reads @recs@ from standard input and says what they come to."""

import os
import sys

from @app@ import @guard@, @ledger@, @render@, @rules@


def main(arguments):
    feed = os.environ.get("@APP@_FEED")
    if feed and not os.path.exists(feed):
        # The feed of the other house is optional; where it is configured, it has to be there.
        sys.exit(f"@app@: error: the feed {feed} cannot be read")
    command = arguments[0] if arguments else ""
    if command == "rate":
        print(@rules@.rate(arguments[1]))
        return
    if command not in ("total", "list"):
        sys.exit("usage: @app@ total | list | rate CODE")
    book = @ledger@.Book()
    for row in book.read(sys.stdin):
        if command == "list":
            print(@render@.row(row))
    @guard@.check_sum(book)
    print(@render@.total(book))


if __name__ == "__main__":
    main(sys.argv[1:])
