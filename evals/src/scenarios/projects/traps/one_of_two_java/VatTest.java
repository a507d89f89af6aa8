public class VatTest {
    public static void main(String[] arguments) {
        boolean holds = Vat.full(100) == 19 && Vat.reduced(100) == 7;
        System.out.println((holds ? "ok" : "not ok") + " 1 - tax of 1.00\n1..1");
        System.exit(holds ? 0 : 1);
    }
}
