/* Adds up an order: till total QUANTITY CENTS COUNTRY | label NAME */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "till.h"

int main(int argc, char **argv)
{
    char out[64];
    if (argc == 5 && strcmp(argv[1], "total") == 0) {
        money(out, discounted(net(atoi(argv[2]), atoi(argv[3]))) + postage(argv[4]));
        puts(out);
    } else if (argc == 3 && strcmp(argv[1], "label") == 0) {
        label(out, argv[2]);
        puts(out);
    }
    return 0;
}
