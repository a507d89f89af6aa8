#define TESTS
#include "../kind.c"

int main(void)
{
    int holds = strcmp(kind("text"), "paragraph") == 0;
    printf("%s 1 - text is a paragraph\n1..1\n", holds ? "ok" : "not ok");
    return !holds;
}
