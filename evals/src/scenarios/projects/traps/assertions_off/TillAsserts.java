public class TillAsserts {
    public static void main(String[] arguments) {
        assert Till.net(3, 150) == 451;
        assert Till.discounted(20000) == 18000;
    }
}
