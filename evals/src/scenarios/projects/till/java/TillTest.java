public class TillTest {
    static int count;
    static int failed;

    static void check(String name, Object got, Object expected) {
        boolean holds = got.equals(expected);
        count++;
        System.out.println((holds ? "ok " : "not ok ") + count + " - " + name);
        failed += holds ? 0 : 1;
    }

    public static void main(String[] arguments) {
        check("net of several pieces", Till.net(3, 150), 450);
        check("no discount on small orders", Till.discounted(9000), 9000);
        check("postage at home", Till.postage("DE"), 490);
        check("postage abroad", Till.postage("AT"), 890);
        check("whole amounts", Till.money(1200), "12.00");
        check("amounts keep their zero", Till.money(1005), "10.05");
        check("labels are cut", Till.label("Constantinople"), "Constantinop");
        System.out.println("1.." + count);
        System.exit(failed == 0 ? 0 : 1);
    }
}
