# Messages. sh has no trace of its own, so enter and leave keep the call path by hand.

NL='
'
TRACE=

enter() {
    TRACE="  at $1 ($2)$NL$TRACE"
}

leave() {
    TRACE=${TRACE#*"$NL"}
}

die() {
    printf '@app@: error: %s\n%s' "$*" "$TRACE" >&2
    exit 1
}
