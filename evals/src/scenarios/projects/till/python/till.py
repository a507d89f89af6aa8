"""Adds up an order: python3 till.py total QUANTITY CENTS COUNTRY | label NAME"""
import sys


def net(quantity, cents):
    return quantity * cents


def discounted(amount):
    if amount >= 10000:
        return amount - amount // 10
    return amount


def postage(country):
    return {"DE": 490, "AT": 890}.get(country, 1490)


def money(amount):
    return "%d.%02d" % (amount // 100, amount % 100)


def label(name):
    return name[:12]


def main(arguments):
    if arguments[0] == "total":
        amount = discounted(net(int(arguments[1]), int(arguments[2])))
        print(money(amount + postage(arguments[3])))
    elif arguments[0] == "label":
        print(label(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
