package dev.sluice.demo;

import java.sql.SQLException;
import java.util.List;
import java.util.function.BooleanSupplier;

/** Creates the shop's tables and the rows that it has gathered before the demo begins. Not thread-safe. */
final class ShopFill {

    static final int ACCOUNTS = 200;
    static final long BALANCE_CENTS = 1_000_00;

    private static final int ROWS_PER_TRANSACTION = 2_000;
    private static final long FIRST_EVENT_MS = 1_767_225_600_000L;

    private final ShopConnection shop;
    private final ShopWords words;
    private final BooleanSupplier stopped;

    ShopFill(ShopConnection shop, ShopWords words, BooleanSupplier stopped) {
        this.shop = shop;
        this.words = words;
        this.stopped = stopped;
    }

    /** Writes about {@code rowsWanted} rows; returns how many the file then holds, fewer if it was stopped. */
    long fill(long rowsWanted) throws SQLException {
        shop.begin();
        for (String statement : ShopSchema.STATEMENTS) {
            shop.run(statement);
        }
        long customers = share(rowsWanted, 8);
        long products = share(rowsWanted, 3);
        long orders = share(rowsWanted, 16);
        many(ACCOUNTS, this::account);
        many(customers, this::customer);
        many(products, this::product);
        many(orders, id -> order(id, customers, products));
        many(share(rowsWanted, 3), n -> cartLine(n, customers, products));
        many(share(rowsWanted, 2), id -> session(id, customers));
        many(share(rowsWanted, 14), this::event);
        settings();
        shop.commit();
        return shop.rows();
    }

    private static long share(long rowsWanted, int percent) {
        return Math.max(20, rowsWanted * percent / 100);
    }

    private interface RowMaker {
        void make(long number) throws SQLException;
    }

    private void many(long count, RowMaker maker) throws SQLException {
        for (long number = 1; number <= count && !stopped.getAsBoolean(); number++) {
            maker.make(number);
            if (number % ROWS_PER_TRANSACTION == 0) {
                shop.commit();
                shop.begin();
            }
        }
    }

    private void account(long id) throws SQLException {
        shop.run("INSERT INTO accounts (id, holder, balance_cents) VALUES (?, ?, ?)", id, words.name(), BALANCE_CENTS);
    }

    private void customer(long id) throws SQLException {
        shop.run("INSERT INTO customers (email, name, newsletter, address, born, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                words.email(id), words.name(), words.below(2), words.chance(80) ? words.address() : null,
                words.chance(60) ? words.birthday() : null, words.time());
    }

    private void product(long id) throws SQLException {
        shop.run("INSERT INTO products (id, sku, name, price, weight_kg, stock, active, attributes, thumbnail)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                id, "SKU-" + (10_000 + id), words.product(), words.cents() / 100.0,
                words.chance(90) ? words.below(10_000) / 1_000.0 : null, 1_000 + words.below(1_000),
                words.chance(90) ? 1 : 0, words.attributes(), words.chance(20) ? words.bytes(200) : null);
    }

    private void order(long id, long customers, long products) throws SQLException {
        String status = words.one(List.of("new", "paid", "shipped", "shipped", "shipped", "cancelled"));
        int lines = 1 + words.below(4);
        shop.run("INSERT INTO orders (id, customer_id, status, note, placed_at, shipped_on) VALUES (?, ?, ?, ?, ?, ?)",
                id, any(customers), status, words.note(), words.time(), status.equals("shipped") ? words.day() : null);
        long total = 0;
        for (int line = 1; line <= lines; line++) {
            int quantity = 1 + words.below(3);
            long cents = words.cents();
            total += quantity * cents;
            shop.run("INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)"
                    + " VALUES (?, ?, ?, ?, ?)", id, line, any(products), quantity, cents / 100.0);
        }
        shop.run("UPDATE orders SET total_cents = ? WHERE id = ?", total, id);
        if (!status.equals("new")) {
            shop.run("INSERT INTO payments (id, order_id, amount, method, captured, paid_ms) VALUES (?, ?, ?, ?, ?, ?)",
                    words.uuid().toString(), id, total / 100.0, words.one(List.of("card", "transfer", "voucher")),
                    status.equals("cancelled") ? 0 : 1, FIRST_EVENT_MS + words.below(1_000_000_000));
        }
    }

    private void cartLine(long number, long customers, long products) throws SQLException {
        shop.run("INSERT OR IGNORE INTO cart_lines (customer_id, product_id, quantity) VALUES (?, ?, ?)",
                any(customers), any(products), 1 + words.below(5));
    }

    private void session(long id, long customers) throws SQLException {
        shop.run("INSERT OR REPLACE INTO sessions (token, customer_id, state, expires_at) VALUES (?, ?, ?, ?)",
                words.uuid().toString(), any(customers), words.bytes(40), words.time());
    }

    private void event(long number) throws SQLException {
        shop.run("INSERT INTO events (at_ms, kind, detail) VALUES (?, ?, ?)", FIRST_EVENT_MS + number,
                words.one(List.of("visit", "search", "login")),
                words.chance(50) ? words.note() : (Object) words.below(1_000));
    }

    private void settings() throws SQLException {
        List<Object> values = List.of("Harbour Shop", 19, 0.19, "", "{\"theme\":\"dark\"}", words.bytes(16));
        for (int i = 0; i < values.size(); i++) {
            shop.run("INSERT INTO settings (name, value) VALUES (?, ?)", "setting." + i, values.get(i));
        }
    }

    private long any(long count) {
        return 1 + words.below((int) Math.min(count, Integer.MAX_VALUE));
    }
}
