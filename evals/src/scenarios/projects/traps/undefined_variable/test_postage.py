import unittest

import postage


class PostageTest(unittest.TestCase):
    def test_module_has_a_description(self):
        self.assertIn("country", postage.__doc__)
