cc -o badge badge.c || exit 2
[ "$(./badge Ada)" = Ada ] || {
    echo 'not ok 1 - a short name'
    exit 1
}
echo 'ok 1 - a short name'
echo '1..1'
