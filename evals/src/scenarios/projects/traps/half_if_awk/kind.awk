# What a line of text is.
function kind(line) {
    if (index(line, "|") == 0)
        return "paragraph"
    if (substr(line, length(line)) != "|")
        return "paragraph"
    return "table"
}

{ print kind($0) }
