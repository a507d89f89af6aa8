. ./till.sh
got=$(discounted 20000)
[ "$got" = 18000 ] || {
    echo "discount of 20000: expected 18000, got $got" >&2
    exit 1
}
