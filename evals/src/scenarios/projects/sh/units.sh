# Amounts are whole cents everywhere; only reading and printing know the point.
# Functions leave their result in R: a subshell for each would make long files slow.

# @units@_parse 12.50: R=1250
@units@_parse() {
    enter @units@_parse lib/@units@.sh
    case "$1" in
        '' | *[!0-9.]* | *.*.*) die "not an amount: '$1'" ;;
        *.??) R=${1%.*}${1#*.} ;;
        *.?) R=${1%.*}${1#*.}0 ;;
        *.*) die "not an amount: '$1'" ;;
        *) R=${1}00 ;;
    esac
    # A leading zero would be read as octal.
    while :; do
        case "$R" in
            0?*) R=${R#0} ;;
            *) break ;;
        esac
    done
    leave
}

# @units@_format 1250: R=12.50
@units@_format() {
    whole=$(($1 / 100))
    cents=$(($1 % 100))
    case "$cents" in
        ?) cents=0$cents ;;
    esac
    R=$whole.$cents
}

# @units@_share AMOUNT PERMILLE: that part of the amount, half a cent rounded up.
@units@_share() {
    R=$((($1 * $2 + 500) / 1000))
}
