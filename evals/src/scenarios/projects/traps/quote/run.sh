[ "$(sh line.sh bread)" = bread ] || {
    echo 'not ok 1 - a plain line'
    exit 1
}
echo 'ok 1 - a plain line'
echo '1..1'
