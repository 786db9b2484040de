package dev.sluice.bench;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.SplittableRandom;
import org.sqlite.SQLiteConfig;

/**
 * The data that everything is measured with: an ambulance dispatch with 8 tables, 8 primary keys, 14 further indexes
 * and 7 foreign keys, of text ids, decimals, times and JSON as text, NULLs, letters beyond ASCII, and vectors of 1,536
 * bytes. The same scale gives the same rows everywhere.
 */
final class ReferenceSet {

    static final int USERS = 20_000;
    static final int PATIENTS = 100_000;
    static final int DRIVERS = 5_000;
    static final int VEHICLES = 2_000;
    static final int RIDES = 500_000;
    static final int EVENTS = 1_000_000;
    static final int LOGS = 400_000;
    static final int SEGMENTS = 200_000;

    static final List<String> TABLES = List.of("""
            CREATE TABLE users (
                id TEXT PRIMARY KEY, email TEXT NOT NULL, name TEXT NOT NULL, phone TEXT, role TEXT NOT NULL,
                active BOOLEAN NOT NULL, created_at DATETIME NOT NULL, settings JSON)
            """, """
            CREATE TABLE patients (
                id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id), full_name TEXT NOT NULL,
                date_of_birth DATE, insurance_number TEXT NOT NULL, weight_kg DECIMAL(5,1), notes TEXT,
                created_at DATETIME NOT NULL)
            """, """
            CREATE TABLE drivers (
                id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id), license TEXT NOT NULL,
                rating DECIMAL(3,2), on_duty BOOLEAN NOT NULL, hired_on DATE)
            """, """
            CREATE TABLE vehicles (
                id TEXT PRIMARY KEY, driver_id TEXT REFERENCES drivers (id), plate TEXT NOT NULL, model TEXT,
                mileage_km INTEGER, serviced_at DATETIME)
            """, """
            CREATE TABLE rides (
                id TEXT PRIMARY KEY, patient_id TEXT NOT NULL REFERENCES patients (id),
                driver_id TEXT REFERENCES drivers (id), vehicle_id TEXT REFERENCES vehicles (id),
                pickup TEXT NOT NULL, dropoff TEXT NOT NULL, distance_km DECIMAL(8,3), fare DECIMAL(10,2),
                status TEXT NOT NULL, requested_at DATETIME NOT NULL, completed_at DATETIME, details JSON)
            """, """
            CREATE TABLE ride_events (
                id INTEGER PRIMARY KEY AUTOINCREMENT, ride_id TEXT NOT NULL REFERENCES rides (id), kind TEXT NOT NULL,
                at DATETIME NOT NULL, latitude REAL, longitude REAL, payload JSON)
            """, """
            CREATE TABLE audit_logs (
                id INTEGER PRIMARY KEY AUTOINCREMENT, actor_id TEXT, action TEXT NOT NULL, entity TEXT NOT NULL,
                entity_id TEXT NOT NULL, at DATETIME NOT NULL, change JSON)
            """, """
            CREATE TABLE segments (
                id TEXT PRIMARY KEY, ride_id TEXT NOT NULL, position INTEGER NOT NULL, speaker TEXT, words TEXT,
                embedding BLOB)
            """);

    static final List<String> INDEXES = List.of(
            "CREATE UNIQUE INDEX users_email ON users (email)",
            "CREATE INDEX patients_user ON patients (user_id)",
            "CREATE UNIQUE INDEX patients_insurance ON patients (insurance_number)",
            "CREATE UNIQUE INDEX drivers_license ON drivers (license)",
            "CREATE UNIQUE INDEX vehicles_plate ON vehicles (plate)",
            "CREATE INDEX rides_patient ON rides (patient_id)",
            "CREATE INDEX rides_driver ON rides (driver_id)",
            "CREATE INDEX rides_vehicle ON rides (vehicle_id)",
            "CREATE INDEX rides_status ON rides (status, requested_at)",
            "CREATE INDEX ride_events_ride ON ride_events (ride_id)",
            "CREATE INDEX ride_events_at ON ride_events (at)",
            "CREATE INDEX audit_logs_entity ON audit_logs (entity_id)",
            "CREATE INDEX audit_logs_at ON audit_logs (at)",
            "CREATE INDEX segments_ride ON segments (ride_id, position)");

    private static final int EMBEDDING_BYTES = 1_536;
    private static final int ROWS_PER_TRANSACTION = 20_000;
    private static final String ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
    private static final List<String> FIRST = List.of("Anna", "Björn", "Chloé", "Dmitri", "Elif", "François", "Grażyna",
            "Hiro", "Íñigo", "Jürgen", "Ķēniņš", "Łukasz", "Mária", "Noël", "Øyvind", "Petra", "Søren", "Zoë");
    private static final List<String> LAST = List.of("Müller", "Nowak", "García", "Ivanov", "Yılmaz", "O'Brien", "Sato",
            "Šimić", "Lindström", "de la Cruz", "Андреев", "Παππάς", "Nguyễn", "Smith", "Dubois");
    private static final List<String> STREETS = List.of("Hauptstraße", "Ulica Długa", "Rue de l'Église", "Main Street",
            "Calle Mayor", "улица Мира", "Bahnhofplatz", "Lindenallee", "High Street", "Østergade");
    private static final List<String> STATES = List.of("requested", "assigned", "driving", "arrived", "completed",
            "completed", "completed", "cancelled");
    private static final List<String> KINDS = List.of("requested", "assigned", "en_route", "arrived", "boarded",
            "position", "position", "position", "completed", "note");

    private final double scale;
    private final SplittableRandom random = new SplittableRandom(20_260_101);

    ReferenceSet(double scale) {
        this.scale = scale;
    }

    /** How many rows a table of {@code whole} rows has at this scale. */
    int scaled(int whole) {
        return Math.max(10, (int) Math.round(whole * scale));
    }

    long rows() {
        return (long) scaled(USERS) + scaled(PATIENTS) + scaled(DRIVERS) + scaled(VEHICLES) + scaled(RIDES)
                + scaled(EVENTS) + scaled(LOGS) + scaled(SEGMENTS);
    }

    /** Opens a file the way web applications do: WAL and synchronous NORMAL. */
    static Connection open(Path file) throws SQLException {
        SQLiteConfig config = new SQLiteConfig();
        config.setBusyTimeout(10_000);
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.NORMAL);
        return config.createConnection("jdbc:sqlite:" + file);
    }

    /** Writes the whole set into a new file. */
    void create(Path file) throws SQLException {
        try (Connection connection = open(file); Statement statement = connection.createStatement()) {
            // nobody else reads it yet, and if it is cut off it is made anew
            statement.execute("PRAGMA journal_mode = OFF");
            statement.execute("PRAGMA synchronous = OFF");
            statement.execute("PRAGMA cache_size = -262144");
            for (String table : TABLES) {
                statement.execute(table);
            }
            connection.setAutoCommit(false);
            fill(connection, "users", 8, scaled(USERS), this::user);
            fill(connection, "patients", 8, scaled(PATIENTS), this::patient);
            fill(connection, "drivers", 6, scaled(DRIVERS), this::driver);
            fill(connection, "vehicles", 6, scaled(VEHICLES), this::vehicle);
            fill(connection, "rides", 12, scaled(RIDES), this::ride);
            fill(connection, "ride_events", 7, scaled(EVENTS), this::event);
            fill(connection, "audit_logs", 7, scaled(LOGS), this::log);
            fill(connection, "segments", 6, scaled(SEGMENTS), this::segment);
            for (String index : INDEXES) {
                statement.execute(index);
            }
            connection.commit();
            connection.setAutoCommit(true);
            statement.execute("PRAGMA journal_mode = WAL");
        }
    }

    private interface RowMaker {
        Object[] make(int number);
    }

    private static void fill(Connection connection, String table, int columns, int rows, RowMaker maker)
            throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO " + table + " VALUES (?" + ", ?".repeat(columns - 1) + ")")) {
            for (int number = 0; number < rows; number++) {
                Object[] values = maker.make(number);
                for (int i = 0; i < values.length; i++) {
                    insert.setObject(i + 1, values[i]);
                }
                insert.executeUpdate();
                if (number % ROWS_PER_TRANSACTION == ROWS_PER_TRANSACTION - 1) {
                    connection.commit();
                }
            }
        }
        connection.commit();
    }

    private Object[] user(int number) {
        return new Object[] {id('u', number), "user" + number + "@example.org", name(),
            random.nextInt(3) == 0 ? null : phone(), random.nextInt(10) == 0 ? "dispatcher" : "patient",
            random.nextInt(20) == 0 ? 0 : 1, time(number * 300L),
            random.nextInt(2) == 0 ? null : "{\"locale\": \"de-DE\", \"notify\": {\"sms\": true, \"mail\": false}}"};
    }

    private Object[] patient(int number) {
        return new Object[] {id('p', number), some('u', USERS), name(), date(random.nextInt(25_000)),
            "I" + (100_000_000 + number), random.nextInt(10) == 0 ? null : (300 + random.nextInt(1_000)) / 10.0,
            random.nextInt(4) == 0 ? null : "Prefers the rear seat, door code " + random.nextInt(10_000) + " – Etage "
                    + random.nextInt(9), time(number * 70L)};
    }

    private Object[] driver(int number) {
        return new Object[] {id('d', number), some('u', USERS), "L-" + (1_000_000 + number),
            random.nextInt(8) == 0 ? null : (100 + random.nextInt(401)) / 100.0, random.nextInt(2),
            date(15_000 + random.nextInt(4_000))};
    }

    private Object[] vehicle(int number) {
        return new Object[] {id('v', number), random.nextInt(9) == 0 ? null : some('d', DRIVERS),
            "AB " + (10_000 + number), "Sprinter " + (310 + random.nextInt(9)), random.nextInt(400_000), time(random.nextInt(40_000_000))};
    }

    private Object[] ride(int number) {
        boolean assigned = random.nextInt(12) != 0;
        long requested = number * 75L;
        return new Object[] {id('r', number), some('p', PATIENTS), assigned ? some('d', DRIVERS) : null,
            assigned ? some('v', VEHICLES) : null, address(), address(), (500 + random.nextInt(80_000)) / 1000.0,
            (900 + random.nextInt(40_000)) / 100.0, pick(STATES), time(requested),
            assigned ? time(requested + 600 + random.nextInt(7_000)) : null,
            "{\"wheelchair\": " + random.nextInt(2) + ", \"escort\": \"" + pick(LAST)
                    + "\", \"code\": " + number + "}"};
    }

    private Object[] event(int number) {
        return new Object[] {number + 1, some('r', RIDES), pick(KINDS), time(number * 37L),
            random.nextInt(9) == 0 ? null : 47 + random.nextInt(8_000_000) / 1e6, 8 + random.nextInt(9_000_000) / 1e6,
            "{\"speed\": " + random.nextInt(130) + ", \"source\": \"gps\", \"battery\": " + random.nextInt(100) + "}"};
    }

    private Object[] log(int number) {
        return new Object[] {number + 1, random.nextInt(5) == 0 ? null : some('u', USERS),
            random.nextInt(3) == 0 ? "create" : "update", "ride", some('r', RIDES), time(number * 93L),
            "{\"status\": [\"" + pick(STATES) + "\", \"" + pick(STATES) + "\"], \"by\": \"" + pick(FIRST) + "\"}"};
    }

    private Object[] segment(int number) {
        byte[] embedding = new byte[EMBEDDING_BYTES];
        for (int i = 0; i < EMBEDDING_BYTES; i += 8) {
            long bits = random.nextLong();
            for (int shift = 0; shift < 8; shift++) {
                embedding[i + shift] = (byte) (bits >> 8 * shift);
            }
        }
        return new Object[] {id('s', number), id('r', number % scaled(RIDES)), number % 40,
            random.nextInt(6) == 0 ? null : pick(FIRST), "Bitte halten Sie am Eingang " + random.nextInt(40)
                    + ", der Patient wartet schon im Foyer – danke.", random.nextInt(50) == 0 ? null : embedding};
    }

    /** An id of 25 characters as many libraries make them, in no order; the same number gives the same id. */
    static String id(char kind, int number) {
        byte[] id = new byte[25];
        id[0] = (byte) kind;
        long bits = 0;
        for (int i = 1; i < id.length; i++) {
            if (i % 12 == 1) {
                bits = mixed(number * 31L + kind + (long) i * 1_000_003);
            }
            id[i] = (byte) ALPHABET.charAt((int) Long.remainderUnsigned(bits, 36));
            bits = Long.divideUnsigned(bits, 36);
        }
        return new String(id, StandardCharsets.US_ASCII);
    }

    /** The finalizer of SplitMix64: every bit of the number changes half of the result's. */
    private static long mixed(long number) {
        long z = number * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    private String some(char kind, int whole) {
        return id(kind, random.nextInt(scaled(whole)));
    }

    private String name() {
        return pick(FIRST) + " " + pick(LAST);
    }

    private String phone() {
        return "+49 30 " + (1_000_000 + random.nextInt(9_000_000));
    }

    private String address() {
        return pick(STREETS) + " " + (1 + random.nextInt(300)) + ", " + (10_000 + random.nextInt(90_000));
    }

    private String pick(List<String> words) {
        return words.get(random.nextInt(words.size()));
    }

    static String time(long secondsSince2024) {
        return java.time.LocalDateTime.ofEpochSecond(1_704_067_200 + secondsSince2024, 0, java.time.ZoneOffset.UTC)
                .format(java.time.format.DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss"));
    }

    private static String date(int daysSince1950) {
        return java.time.LocalDate.of(1950, 1, 1).plusDays(daysSince1950).toString();
    }
}
