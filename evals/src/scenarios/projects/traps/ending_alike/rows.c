#include <stdio.h>

int main(void)
{
    int number;
    for (number = 9; number < 4000; number++)
        printf("ok %d - row %d\n", number, number);
    puts("not ok 4000 - the printer answers");
    puts("1..4000");
    return 1;
}
