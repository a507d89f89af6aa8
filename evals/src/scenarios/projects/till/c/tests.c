#include <stdio.h>
#include <string.h>
#include "../till.h"

static int count, failed;

static void check(const char *name, int holds)
{
    printf("%s %d - %s\n", holds ? "ok" : "not ok", ++count, name);
    failed += !holds;
}

int main(void)
{
    char out[64];
    check("net of several pieces", net(3, 150) == 450);
    check("no discount on small orders", discounted(9000) == 9000);
    check("postage at home", postage("DE") == 490);
    check("postage abroad", postage("AT") == 890);
    money(out, 1200);
    check("whole amounts", strcmp(out, "12.00") == 0);
    money(out, 1005);
    check("amounts keep their zero", strcmp(out, "10.05") == 0);
    label(out, "Constantinople");
    check("labels are cut", strcmp(out, "Constantinop") == 0);
    printf("1..%d\n", count);
    return failed != 0;
}
