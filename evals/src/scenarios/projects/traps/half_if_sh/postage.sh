# Postage by weight.
price() {
    price=$(($1 * 2))
    [ "$price" -le 900 ] ||
        price=900
    echo "$price"
}

[ $# -eq 0 ] || price "$1"
