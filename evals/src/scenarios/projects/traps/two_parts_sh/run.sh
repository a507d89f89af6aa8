[ "$(sh price.sh 0 normal)" = 0 ] || {
    echo 'not ok 1 - nothing costs nothing'
    exit 1
}
echo 'ok 1 - nothing costs nothing'
echo '1..1'
