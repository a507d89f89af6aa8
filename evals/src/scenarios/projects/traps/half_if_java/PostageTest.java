public class PostageTest {
    public static void main(String[] arguments) {
        boolean holds = Postage.price(450) == 900;
        System.out.println((holds ? "ok" : "not ok") + " 1 - parcels of 450\n1..1");
        System.exit(holds ? 0 : 1);
    }
}
