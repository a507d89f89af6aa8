"""What people see."""

from @app@ import @units@


def row(row):
    return f"{row.number} {row.@party@[:16]:16} {@units@.show(row.net)} {row.code}"


def total(book):
    count = len(book.rows)
    return f"{count} @recs@, total {@units@.show(book.sum)}, largest {@units@.show(book.largest)}"
