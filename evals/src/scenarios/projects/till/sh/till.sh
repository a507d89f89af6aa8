# Adds up an order: sh till.sh total QUANTITY CENTS COUNTRY | label NAME
net() {
    echo $(($1 * $2))
}

discounted() {
    if [ "$1" -ge 10000 ]; then
        echo $(($1 - $1 / 10))
    else
        echo "$1"
    fi
}

postage() {
    case $1 in
        DE) echo 490 ;;
        AT) echo 890 ;;
        *) echo 1490 ;;
    esac
}

money() {
    printf '%d.%02d\n' $(($1 / 100)) $(($1 % 100))
}

label() {
    printf '%.12s\n' "$1"
}

case ${1-} in
    total) money $(($(discounted "$(net "$2" "$3")") + $(postage "$4"))) ;;
    label) label "$2" ;;
    *) ;;
esac
