"""Postage by weight and country."""
import sys


def postage(weight, country):
    surcharge = weight // 10
    base = 400
    if weight > 1000:
        base += 300
    return base if country == "DE" else base + surcharge


if __name__ == "__main__":
    print(postage(int(sys.argv[1]), sys.argv[2]))
