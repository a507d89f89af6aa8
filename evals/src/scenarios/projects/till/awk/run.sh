count=0
failed=0
check() {
    count=$((count + 1))
    got=$(echo "$2" | awk -f till.awk)
    if [ "$got" = "$3" ]; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        echo "# expected $3, got $got"
        failed=$((failed + 1))
    fi
}
check "small orders" "total 3 150 DE" 9.40
check "postage abroad" "total 3 150 AT" 13.40
check "whole amounts" "total 1 510 DE" 10.00
check "amounts keep their zero" "total 1 515 DE" 10.05
check "labels are cut" "label Constantinople" Constantinop
echo "1..$count"
[ "$failed" -eq 0 ]
