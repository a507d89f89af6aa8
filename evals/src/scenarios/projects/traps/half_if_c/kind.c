#include <stdio.h>
#include <string.h>

/* What a line of text is. */
const char *kind(const char *line)
{
    if (strchr(line, '|') == NULL)
        return "paragraph";
    if (line[strlen(line) - 1] != '|')
        return "paragraph";
    return "table";
}

#ifndef TESTS
int main(int argc, char **argv)
{
    puts(kind(argc > 1 ? argv[1] : ""));
    return 0;
}
#endif
