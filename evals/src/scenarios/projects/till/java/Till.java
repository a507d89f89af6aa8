/** Adds up an order: java Till total QUANTITY CENTS COUNTRY | label NAME */
public class Till {
    static int net(int quantity, int cents) {
        return quantity * cents;
    }

    static int discounted(int amount) {
        if (amount >= 10000) {
            return amount - amount / 10;
        }
        return amount;
    }

    static int postage(String country) {
        switch (country) {
            case "DE":
                return 490;
            case "AT":
                return 890;
            default:
                return 1490;
        }
    }

    static String money(int amount) {
        return String.format("%d.%02d", amount / 100, amount % 100);
    }

    static String label(String name) {
        return name.substring(0, Math.min(12, name.length()));
    }

    public static void main(String[] arguments) {
        if (arguments[0].equals("total")) {
            int amount = discounted(net(Integer.parseInt(arguments[1]), Integer.parseInt(arguments[2])));
            System.out.println(money(amount + postage(arguments[3])));
        } else if (arguments[0].equals("label")) {
            System.out.println(label(arguments[1]));
        }
    }
}
