import unittest

import rounding


class RoundingTest(unittest.TestCase):
    def test_tens_stay(self):
        self.assertEqual(rounding.rounded(40), 40)
