"""The project's own tests: python3 -m unittest discover -s tests -t . -p 'test_*.py'"""

import unittest

from @app@ import @ledger@, @reader@, @render@, @rules@, @units@


class Core(unittest.TestCase):
    def total(self, *lines):
        book = @ledger@.Book()
        list(book.read(lines))
        return @render@.total(book)

    def test_one(self):
        self.assertEqual(self.total("7;Ada;5;12.50;2024-03-02;std"), "1 @recs@, total 62.50, largest 62.50")

    def test_trade(self):
        self.assertEqual(self.total("8;Ben;1;100;2024-03-02;b2b"), "1 @recs@, total 92.50, largest 92.50")

    def test_rate(self):
        self.assertEqual(@rules@.rate("staff"), 300)

    def test_show(self):
        self.assertEqual(@units@.show(1250), "12.50")

    def test_quantity(self):
        self.assertEqual(@reader@.quantity_of("3"), 3)


if __name__ == "__main__":
    unittest.main()
