import unittest

import page


class PageTest(unittest.TestCase):
    def test_plain_title(self):
        self.assertEqual(page.heading("Order"), "<h1>Order</h1>")
