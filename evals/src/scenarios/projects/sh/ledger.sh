# Adds @recs@ up.

@ledger@_open() {
    sum=0
    rows=0
    largest=0
    gross_sum=0
    cuts=0
    fees=0
    last_id=
}

# Every @rec@ of standard input; with `list` each is printed as well.
@ledger@_read() {
    enter @ledger@_read lib/@ledger@.sh
    while IFS= read -r line || [ -n "$line" ]; do
        @reader@_skip "$line" && continue
        @reader@_line "$line"
        @ledger@_once
        @ledger@_amount
        @guard@_row
        @ledger@_add
        if [ "$1" = list ]; then
            @render@_row
        fi
    done
    leave
}

# Files come sorted, so a doubled @rec@ follows its twin.
@ledger@_once() {
    if [ "$f_id" = "$last_id" ]; then
        die "@rec@ $f_id stands there twice"
    fi
    last_id=$f_id
}

@ledger@_amount() {
    enter @ledger@_amount lib/@ledger@.sh
    @units@_parse "$f_price"
    gross=$((R * f_qty))
    @rules@_rate "$f_code"
    @units@_share "$gross" "$R"
    cut=$R
    @rules@_fee "$gross"
    fee=$R
    net=$((gross - cut + fee))
    leave
}

@ledger@_add() {
    sum=$((sum + net))
    rows=$((rows + 1))
    gross_sum=$((gross_sum + gross))
    cuts=$((cuts + cut))
    fees=$((fees + fee))
    if [ "$net" -gt "$largest" ]; then
        largest=$net
    fi
}

@ledger@_close() {
    enter @ledger@_close lib/@ledger@.sh
    @guard@_sum
    @render@_total
    leave
}
