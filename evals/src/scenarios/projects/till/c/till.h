int net(int quantity, int cents);
int discounted(int amount);
int postage(const char *country);
void money(char *out, int amount);
void label(char *out, const char *name);
