[ "$(sh vat.sh full 100)" = 19 ] && [ "$(sh vat.sh reduced 100)" = 7 ] || {
    echo 'not ok 1 - tax of 1.00'
    exit 1
}
echo 'ok 1 - tax of 1.00'
echo '1..1'
