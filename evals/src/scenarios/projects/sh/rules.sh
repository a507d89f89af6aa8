# What is taken off and put on: rates stand in data/rates.csv, limits in config/@app@.conf.

# @rules@_rate CODE: R is the permille taken off.
@rules@_rate() {
    enter @rules@_rate lib/@rules@.sh
    wanted=$1
    case "$wanted" in
        *[A-Z]*) wanted=$(printf '%s' "$wanted" | tr A-Z a-z) ;;
    esac
    R=
    while IFS=';' read -r code permille rest; do
        if [ "$code" = "$wanted" ]; then
            R=$permille
            break
        fi
    done <data/rates.csv
    [ -n "$R" ] || die "no rate for the code '$1'"
    leave
}

# @rules@_setting NAME: R is its value.
@rules@_setting() {
    R=
    while IFS='=' read -r name value; do
        [ "$name" = "$1" ] && R=$value
    done <config/@app@.conf
    [ -n "$R" ] || die "config/@app@.conf says nothing of $1"
}

# @rules@_fee AMOUNT: R is what handling costs.
@rules@_fee() {
    enter @rules@_fee lib/@rules@.sh
    @rules@_setting free_from
    free=$R
    @rules@_setting handling
    if [ "$1" -ge "$free" ]; then
        R=0
    fi
    leave
}
