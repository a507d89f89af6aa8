"""Sums rounded to tens."""
import sys


def rounded(amount):
    return (amount + 5) // 10 * 10


if __name__ == "__main__":
    print(rounded(int(sys.argv[1])))
