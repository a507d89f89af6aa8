/** Tax of an amount in cents: java Vat full|reduced AMOUNT */
public class Vat {
    static int full(int amount) {
        return (amount * 19 + 50) / 100;
    }

    static int reduced(int amount) {
        return (amount * 7 + 50) / 100;
    }

    public static void main(String[] arguments) {
        int amount = Integer.parseInt(arguments[1]);
        System.out.println(arguments[0].equals("full") ? full(amount) : reduced(amount));
    }
}
