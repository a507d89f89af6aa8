import unittest

import till


class DiscountTest(unittest.TestCase):
    def test_large_orders(self):
        self.assertEqual(till.discounted(20000), 18000)
