/* Prices of parcels: price AMOUNT normal|express */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    int factor = 100;
    if (argc < 3)
        return 2;
    if (strcmp(argv[2], "express") == 0)
        factor = 150;
    /* The shop prints whole cents. */
    setvbuf(stdout, NULL, _IONBF, 0);
    printf("%d\n", atoi(argv[1]) * factor / 100);
    return 0;
}
