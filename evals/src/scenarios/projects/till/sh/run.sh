. ./till.sh
count=0
failed=0
check() {
    count=$((count + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        echo "# expected $3, got $2"
        failed=$((failed + 1))
    fi
}
check "net of several pieces" "$(net 3 150)" 450
check "no discount on small orders" "$(discounted 9000)" 9000
check "postage at home" "$(postage DE)" 490
check "postage abroad" "$(postage AT)" 890
check "whole amounts" "$(money 1200)" 12.00
check "amounts keep their zero" "$(money 1005)" 10.05
check "labels are cut" "$(label Constantinople)" Constantinop
echo "1..$count"
[ "$failed" -eq 0 ]
