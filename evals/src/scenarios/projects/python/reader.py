"""Reads lines of @recs@: number;@party@;quantity;price;date;code"""

from dataclasses import dataclass

from @app@ import @units@


@dataclass
class Row:
    number: str
    @party@: str
    quantity: int
    price: int
    date: str
    code: str
    net: int = 0
    cut: int = 0
    fee: int = 0

    @property
    def gross(self):
        return self.price * self.quantity


def skip(line):
    """Whether a line holds no @rec@."""
    return not line or line.startswith("#")


def code_of(text):
    text = text.strip().lower()
    return text or "std"


def quantity_of(text):
    text = text.strip()
    if not text.isdigit():
        raise ValueError(f"not a quantity: {text!r}")
    return int(text)


def parse(line):
    number, @party@, quantity, price, date, code = line.split(";")
    return Row(
        number=number.strip(),
        @party@=@party@.strip(),
        quantity=quantity_of(quantity),
        price=@units@.parse(price.strip()),
        date=date.strip(),
        code=code_of(code),
    )
