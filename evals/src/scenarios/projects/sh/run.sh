#!/bin/sh
# The project's own tests.
cd "$(dirname "$0")/.." || exit 1
failed=0
count=0

# Prints the Test Anything Protocol, so that a reader knows each test by its name.
check() {
    count=$((count + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        echo "# expected '$2', got '$3'"
        failed=1
    fi
}

check "one @rec@" "1 @recs@, total 62.50, largest 62.50" \
    "$(echo '7;Ada;5;12.50;2024-03-02;std' | sh bin/@app@ total)"
check "trade" "1 @recs@, total 92.50, largest 92.50" \
    "$(echo '8;Ben;1;100;2024-03-02;b2b' | sh bin/@app@ total)"
check "a rate" "300" "$(sh bin/@app@ rate staff)"
check "a list" "9 Cid              12.50
1 @recs@, total 12.50, largest 12.50" "$(echo '9;Cid;1;10.00;2024-03-02;std' | sh bin/@app@ list)"
for part in tests/t_*.sh; do
    if [ -r "$part" ]; then
        . "$part"
    fi
done
echo "1..$count"
exit "$failed"
