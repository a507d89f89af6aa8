"""Postage by country: python3 postage.py COUNTRY | list"""
import sys

POSTAGE = [
    ("DE", 490),
    ("FR", 1190),
    ("AT", 890),
]


def postage(country):
    return dict(POSTAGE)[country]


if __name__ == "__main__":
    if sys.argv[1] == "list":
        for name, _ in POSTAGE:
            print(name)
    else:
        print(postage(sys.argv[1]))
