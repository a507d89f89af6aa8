# pad 1.2: words of one width.

# pad_right WORD WIDTH: R is the word with blanks behind it, or its beginning where it is longer.
pad_right() {
    R=$1
    while [ "${#R}" -lt "$2" ]; do
        R="$R "
    done
    while [ "${#R}" -gt "$2" ]; do
        R=${R%?}
    done
}
