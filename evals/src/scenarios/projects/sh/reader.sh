# Reads lines of @recs@: number;@party@;quantity;price;date;code

@reader@_line() {
    enter @reader@_line lib/@reader@.sh
    IFS=';' read -r f_id f_party f_qty f_price f_date f_code <<EOF
$1
EOF
    @reader@_trim "$f_party"
    f_party=$R
    @reader@_trim "$f_qty"
    @reader@_quantity "$R"
    f_qty=$R
    [ -n "$f_code" ] || f_code=std
    case "$f_code" in
        *[A-Z]*) f_code=$(printf '%s' "$f_code" | tr A-Z a-z) ;;
    esac
    leave
}

# Blanks around a word are no part of it.
@reader@_trim() {
    R=$1
    while :; do
        case "$R" in
            ' '*) R=${R#' '} ;;
            *' ') R=${R%' '} ;;
            *) break ;;
        esac
    done
}

@reader@_quantity() {
    enter @reader@_quantity lib/@reader@.sh
    case "$1" in
        '' | *[!0-9]*) die "not a quantity: '$1'" ;;
    esac
    R=$1
    leave
}

# Whether a line holds no @rec@.
@reader@_skip() {
    case "$1" in
        '' | '#'*) return 0 ;;
    esac
    return 1
}
