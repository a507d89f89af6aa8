# Refuses what cannot be right, before it is printed.

@guard@_row() {
    enter @guard@_row lib/@guard@.sh
    [ "$cut" -le "$gross" ] || die "@rec@ $f_id: more is taken off than there is"
    case "$f_date" in
        [12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]) ;;
        *) die "@rec@ $f_id: '$f_date' is not a date" ;;
    esac
    leave
}

@guard@_sum() {
    enter @guard@_sum lib/@guard@.sh
    again=$((gross_sum - cuts + fees))
    [ "$again" -eq "$sum" ] || die "the @recs@ come to $sum, their parts to $again"
    leave
}
