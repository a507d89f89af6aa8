#include <stdio.h>
#include "../till.h"

int main(void)
{
    if (discounted(20000) == 18000)
        return 0;
    printf("discount of 20000: expected 18000, got %d\n", discounted(20000));
    return 1;
}
