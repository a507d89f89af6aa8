"""Amounts are whole cents everywhere; only reading and printing know the point."""


def parse(text):
    """12.50 is 1250"""
    whole, _, part = text.partition(".")
    if not whole.isdigit() or len(part) > 2 or (part and not part.isdigit()):
        raise ValueError(f"not an amount: {text!r}")
    return int(whole) * 100 + int(part.ljust(2, "0"))


def show(amount):
    """1250 is 12.50"""
    return f"{amount // 100}.{amount % 100:02d}"


def share(amount, permille):
    """That part of the amount, half a cent rounded up."""
    return (amount * permille + 500) // 1000
