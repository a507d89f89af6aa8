import unittest

import postage


class PostageTest(unittest.TestCase):
    def test_postage_at_home(self):
        self.assertEqual(postage.postage("DE"), 490)
