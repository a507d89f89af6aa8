# What people see.

@render@_row() {
    pad_right "$f_party" 16
    cell=$R
    @units@_format "$net"
    printf '%s %s %s\n' "$f_id" "$cell" "$R"
}

@render@_total() {
    enter @render@_total lib/@render@.sh
    @units@_format "$largest"
    top=$R
    @units@_format "$sum"
    printf '%s @recs@, total %s, largest %s\n' "$rows" "$R" "$top"
    leave
}
