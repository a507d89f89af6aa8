/** Postage by weight. */
public class Postage {
    static int price(int weight) {
        int price = weight * 2;
        if (price > 900)
            price = 900;
        return price;
    }

    public static void main(String[] arguments) {
        System.out.println(price(Integer.parseInt(arguments[0])));
    }
}
