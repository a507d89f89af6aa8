# Adds up orders, a line each: total QUANTITY CENTS COUNTRY | label NAME
function net(quantity, cents) {
    return quantity * cents
}

function discounted(amount) {
    if (amount >= 10000)
        return amount - int(amount / 10)
    return amount
}

function postage(country) {
    if (country == "DE")
        return 490
    if (country == "AT")
        return 890
    return 1490
}

function money(amount) {
    return sprintf("%d.%02d", int(amount / 100), amount % 100)
}

function label(name) {
    return substr(name, 1, 12)
}

$1 == "total" { print money(discounted(net($2, $3)) + postage($4)) }
$1 == "label" { print label($2) }
