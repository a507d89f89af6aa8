/* The sums of an order. */
#include <stdio.h>
#include <string.h>
#include "till.h"

int net(int quantity, int cents)
{
    return quantity * cents;
}

int discounted(int amount)
{
    if (amount >= 10000)
        return amount - amount / 10;
    return amount;
}

int postage(const char *country)
{
    if (strcmp(country, "DE") == 0)
        return 490;
    if (strcmp(country, "AT") == 0)
        return 890;
    return 1490;
}

void money(char *out, int amount)
{
    sprintf(out, "%d.%02d", amount / 100, amount % 100);
}

void label(char *out, const char *name)
{
    sprintf(out, "%.12s", name);
}
