# Tax of an amount in cents: sh vat.sh full|reduced AMOUNT
full() {
    echo $((($1 * 19 + 50) / 100))
}

reduced() {
    echo $((($1 * 7 + 50) / 100))
}

"$1" "$2"
