/* Prints a name on a badge: badge NAME */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    char out[64];
    if (argc < 2)
        return 2;
    strcpy(out, argv[1]);
    puts(out);
    return 0;
}
