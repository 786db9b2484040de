package dev.sluice.demo;

import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.UUID;

/** Makes the values that the sample application stores, the same ones for the same seed. Not thread-safe. */
final class ShopWords {

    private static final List<String> FIRST = List.of("Ada", "Björn", "Chloé", "Дмитрий", "Émilie", "Fatima", "Grace",
            "Håkon", "İpek", "José", "Katarzyna", "Li", "Māris", "Noor", "Oluwaseun", "Priya", "Søren", "Thảo", "Yuki",
            "Zoë");
    private static final List<String> LAST = List.of("Anderson", "Bianchi", "Çelik", "Dvořák", "Eriksson", "Fernández",
            "García", "Hofmann", "Ivanov", "Jansen", "Kowalski", "Lindqvist", "Müller", "Nguyễn", "O'Brien", "Petrović",
            "Rossi", "Sato", "Þórsdóttir", "Weiß", "山田");
    private static final List<String> CITIES = List.of("Århus", "Berlin", "Córdoba", "Göteborg", "Kraków", "Lyon",
            "Málaga", "Osaka", "Porto", "Zürich");
    private static final List<String> THINGS = List.of("Kettle", "Lamp", "Chair", "Notebook", "Teapot", "Blanket",
            "Clock", "Basket", "Mirror", "Candle");
    private static final List<String> KINDS = List.of("Oak", "Linen", "Copper", "Blue", "Small", "Folding", "Glass",
            "Café");
    private static final List<String> NOTES = List.of("", "leave at the door", "it's a gift 🎁", "line one\nline two",
            "50% off?", "\"quoted\"", "please call\tfirst");
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT);
    private static final LocalDateTime NEWEST = LocalDateTime.of(2026, 1, 1, 0, 0);
    private static final int SECONDS_PER_YEAR = 365 * 24 * 3600;

    private final Random random;

    ShopWords(long seed) {
        this.random = new Random(seed);
    }

    /** From 0 (inclusive) to {@code bound} (exclusive). */
    int below(int bound) {
        return random.nextInt(bound);
    }

    boolean chance(int percent) {
        return below(100) < percent;
    }

    <T> T one(List<T> of) {
        return of.get(below(of.size()));
    }

    String name() {
        return one(FIRST) + " " + one(LAST);
    }

    /** A fresh address for customer {@code number}. */
    String email(long number) {
        return (chance(30) ? "Shop." : "c") + number + "." + Integer.toHexString(random.nextInt()) + "@example.org";
    }

    String address() {
        return "{\"city\": \"" + one(CITIES) + "\", \"zip\": \"" + (10_000 + below(90_000)) + "\", \"floor\": "
                + below(9) + "}";
    }

    String birthday() {
        return LocalDate.of(1940, 1, 1).plusDays(below(25_000)).toString();
    }

    /** A moment of last year. */
    String time() {
        return TIME.format(NEWEST.minusSeconds(below(SECONDS_PER_YEAR)));
    }

    String day() {
        return NEWEST.toLocalDate().minusDays(below(365)).toString();
    }

    String product() {
        return one(KINDS) + " " + one(THINGS);
    }

    String attributes() {
        return "{\"colour\":\"" + one(KINDS) + "\",\"sizes\":[" + below(5) + "," + (5 + below(40)) + "],\"eco\":"
                + chance(50) + "}";
    }

    /** Null more often than not. */
    String note() {
        return chance(30) ? one(NOTES) : null;
    }

    long cents() {
        return 99 + below(20_000);
    }

    UUID uuid() {
        return new UUID(random.nextLong() & ~0xF000L | 0x4000L, random.nextLong() >>> 2 | 0x8000000000000000L);
    }

    byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
