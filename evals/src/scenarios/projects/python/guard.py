"""Refuses what cannot be right, before it is printed."""

import datetime


def check_row(row):
    if row.cut > row.gross:
        raise ValueError(f"@rec@ {row.number}: more is taken off than there is")
    try:
        datetime.date.fromisoformat(row.date)
    except ValueError:
        raise ValueError(f"@rec@ {row.number}: {row.date!r} is not a date") from None


def check_sum(book):
    again = sum(row.gross - row.cut + row.fee for row in book.rows)
    if again != book.sum:
        raise ValueError(f"the @recs@ come to {book.sum}, their parts to {again}")
