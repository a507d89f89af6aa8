"""Adds @recs@ up."""

from @app@ import @guard@, @reader@, @rules@, @units@


class Book:
    def __init__(self):
        self.sum = 0
        self.rows = []
        self.largest = 0
        self.numbers = set()

    def read(self, lines):
        """Every @rec@ of the lines, added up."""
        for line in lines:
            line = line.rstrip("\n")
            if @reader@.skip(line):
                continue
            row = @reader@.parse(line)
            self.once(row)
            self.amount(row)
            @guard@.check_row(row)
            self.add(row)
            yield row

    def once(self, row):
        if row.number in self.numbers:
            raise ValueError(f"@rec@ {row.number} stands there twice")
        self.numbers.add(row.number)

    def amount(self, row):
        if "+" in row.code:
            row.code = @rules@.best(row.code.split("+"))
        row.cut = @units@.share(row.gross, @rules@.rate(row.code))
        row.fee = @rules@.fee(row.gross)
        row.net = row.gross - row.cut + row.fee

    def add(self, row):
        self.sum += row.net
        self.rows.append(row)
        self.largest = max(self.largest, row.net)
