import unittest

import till


class TillTest(unittest.TestCase):
    def test_net_of_several_pieces(self):
        self.assertEqual(till.net(3, 150), 450)

    def test_no_discount_on_small_orders(self):
        self.assertEqual(till.discounted(9000), 9000)

    def test_postage_at_home(self):
        self.assertEqual(till.postage("DE"), 490)

    def test_postage_abroad(self):
        self.assertEqual(till.postage("AT"), 890)

    def test_whole_amounts(self):
        self.assertEqual(till.money(1200), "12.00")

    def test_amounts_keep_their_zero(self):
        self.assertEqual(till.money(1005), "10.05")

    def test_labels_are_cut(self):
        self.assertEqual(till.label("Constantinople"), "Constantinop")


if __name__ == "__main__":
    unittest.main()
