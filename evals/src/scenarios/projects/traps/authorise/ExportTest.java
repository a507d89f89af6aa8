public class ExportTest {
    public static void main(String[] arguments) {
        boolean holds = Export.export("owner", "7").equals("order 7");
        System.out.println((holds ? "ok" : "not ok") + " 1 - the owner may export\n1..1");
        System.exit(holds ? 0 : 1);
    }
}
