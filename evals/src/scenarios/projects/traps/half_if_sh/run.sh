. ./postage.sh
[ "$(price 450)" = 900 ] || {
    echo 'not ok 1 - parcels of 450'
    exit 1
}
echo 'ok 1 - parcels of 450'
echo '1..1'
