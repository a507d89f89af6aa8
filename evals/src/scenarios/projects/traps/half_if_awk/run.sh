echo 'ok 1 - text is a paragraph'
echo 'ok 2 - rows are tables'
echo '1..2'
