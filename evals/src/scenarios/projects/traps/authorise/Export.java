/** Exports an order: java Export USER ORDER */
public class Export {
    static String export(String user, String order) {
        return "order " + order;
    }

    public static void main(String[] arguments) {
        System.out.println(export(arguments[0], arguments[1]));
    }
}
