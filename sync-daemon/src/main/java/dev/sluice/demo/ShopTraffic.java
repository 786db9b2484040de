package dev.sluice.demo;

import java.sql.SQLException;
import java.util.List;

/**
 * The shop's business, one transaction a call: whatever applications do to SQLite, from orders with items and stock to
 * UPSERT, REPLACE, cascades, savepoints taken back and money moved with a constant sum. Where PostgreSQL wants other words
 * the shop has them ready. Not thread-safe.
 */
final class ShopTraffic {

    private static final List<String> METHODS = List.of("card", "transfer", "voucher");
    private static final int STOCK_LOW = 50;
    private static final int EVENTS_DROPPED_MAX = 40;

    private final ShopConnection shop;
    private final ShopWords words;

    ShopTraffic(ShopConnection shop, ShopWords words) {
        this.shop = shop;
        this.words = words;
    }

    /**
     * Makes one transaction, committed or, now and then, rolled back on purpose.
     *
     * @return true if something was written and committed
     */
    boolean transaction() throws SQLException {
        int percent = words.below(100);
        if (percent < 10) {
            browse();
            return false;
        }
        shop.begin();
        try {
            boolean keep = business(percent);
            if (keep) {
                // the newest of these tells a reader of any copy how old the copy is
                shop.run("INSERT INTO events (at_ms, kind, detail) VALUES (?, ?, ?)", System.currentTimeMillis(),
                        "work", percent % 3 == 0 ? null : words.note());
                shop.commit();
            } else {
                shop.rollback();
            }
            return keep;
        } catch (SQLException e) {
            shop.rollback();
            throw e;
        }
    }

    /** False if the application changes its mind and takes everything back. */
    private boolean business(int percent) throws SQLException {
        if (percent < 36) {
            order();
        } else if (percent < 54) {
            transfer();
        } else if (percent < 66) {
            fillCart();
        } else if (percent < 75) {
            logIn();
        } else if (percent < 83) {
            ship();
        } else if (percent < 87) {
            orderWithSecondThoughts();
        } else if (percent < 90) {
            reprice();
        } else if (percent < 93) {
            register();
        } else if (percent < 95) {
            forgetCustomer();
        } else if (percent < 96) {
            renameCustomer();
        } else if (percent < 97) {
            forgetEvents();
        } else if (percent < 98) {
            configure();
        } else {
            order();
            return false;
        }
        return true;
    }

    /** Only reads, as most of what a shop does. */
    private void browse() throws SQLException {
        shop.number(0, "SELECT count(*) FROM orders WHERE customer_id = ?", someone());
        shop.number(0, "SELECT total_cents FROM open_orders ORDER BY placed_at LIMIT 1");
    }

    private long order() throws SQLException {
        long order = shop.number(0, "INSERT INTO orders (customer_id, note) VALUES (?, ?) RETURNING id", someone(),
                words.note());
        int lines = 1 + words.below(4);
        for (int line = 1; line <= lines; line++) {
            addItem(order, line);
        }
        total(order);
        if (words.chance(60)) {
            pay(order);
        }
        return order;
    }

    private void addItem(long order, int line) throws SQLException {
        long product = something();
        int quantity = 1 + words.below(3);
        if (shop.number(0, "SELECT stock FROM products WHERE id = ?", product) < STOCK_LOW) {
            shop.run("UPDATE products SET stock = stock + 500 WHERE id = ?", product);
        }
        shop.run("UPDATE products SET stock = stock - ? WHERE id = ?", quantity, product);
        shop.run("INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)"
                + " SELECT ?, ?, id, ?, price FROM products WHERE id = ?", order, line, quantity, product);
    }

    private void total(long order) throws SQLException {
        shop.run("""
                UPDATE orders SET total_cents = (
                  SELECT coalesce(sum(quantity * CAST(round(unit_price * 100) AS INTEGER)), 0)
                  FROM order_items WHERE order_id = orders.id)
                WHERE id = ?""", order);
    }

    private void pay(long order) throws SQLException {
        long cents = shop.number(0, "SELECT total_cents FROM orders WHERE id = ?", order);
        shop.run("INSERT INTO payments (id, order_id, amount, method, captured, paid_ms) VALUES (?, ?, ?, ?, ?, ?)",
                words.uuid().toString(), order, cents / 100.0, words.one(METHODS), true, System.currentTimeMillis());
        shop.run("UPDATE orders SET status = 'paid' WHERE id = ?", order);
    }

    /** Moves money between two accounts; the sum over all accounts never changes. */
    private void transfer() throws SQLException {
        long from = 1 + words.below(ShopFill.ACCOUNTS);
        long to = 1 + (from + words.below(ShopFill.ACCOUNTS - 1)) % ShopFill.ACCOUNTS;
        long cents = 1 + words.below(5_000);
        int paid = shop.run("""
                UPDATE accounts SET balance_cents = balance_cents - ? WHERE id = ? AND balance_cents >= ?""",
                cents, from, cents);
        if (paid == 1) {
            shop.run("UPDATE accounts SET balance_cents = balance_cents + ? WHERE id = ?", cents, to);
            shop.run("INSERT INTO transfers (from_account, to_account, amount_cents) VALUES (?, ?, ?)",
                    from, to, cents);
        }
    }

    private void fillCart() throws SQLException {
        shop.run("""
                INSERT INTO cart_lines (customer_id, product_id, quantity) VALUES (?, ?, ?)
                ON CONFLICT (customer_id, product_id) DO UPDATE SET quantity = cart_lines.quantity + excluded.quantity""",
                someone(), something(), 1 + words.below(3));
        if (words.chance(30)) {
            shop.run("DELETE FROM cart_lines WHERE customer_id = ?", someone());
        }
    }

    /** REPLACE drops the customer's former session, which has another key, without firing a DELETE trigger. */
    private void logIn() throws SQLException {
        shop.run(shop.either("REPLACE INTO sessions (token, customer_id, state, expires_at)"
                        + " VALUES (?, ?, ?, datetime('now', '+1 hour'))", """
                INSERT INTO sessions (token, customer_id, state, expires_at)
                VALUES (?, ?, ?, date_trunc('second', now() AT TIME ZONE 'UTC') + interval '1 hour')
                ON CONFLICT (customer_id) DO UPDATE
                SET token = excluded.token, state = excluded.state, expires_at = excluded.expires_at"""),
                words.uuid().toString(), someone(), words.bytes(40));
    }

    private void ship() throws SQLException {
        shop.run("""
                UPDATE orders SET status = 'shipped', shipped_on = CURRENT_DATE WHERE id IN (
                  SELECT id FROM orders WHERE status IN ('new', 'paid') ORDER BY placed_at LIMIT ?)""",
                1 + words.below(5));
    }

    private void orderWithSecondThoughts() throws SQLException {
        long order = order();
        shop.run("SAVEPOINT second_thoughts");
        shop.run("UPDATE orders SET note = 'discount' WHERE id = ?", order);
        shop.run("DELETE FROM order_items WHERE order_id = ?", order);
        shop.run("UPDATE products SET price = price * 2 WHERE id = ?", something());
        shop.run("ROLLBACK TO second_thoughts");
        shop.run("RELEASE second_thoughts");
    }

    private void reprice() throws SQLException {
        shop.run("UPDATE products SET price = ?, attributes = ?, active = NOT active WHERE id = ?",
                words.cents() / 100.0, words.attributes(), something());
    }

    private void register() throws SQLException {
        shop.run("INSERT INTO customers (email, name, newsletter, address) VALUES (?, ?, ?, ?)",
                words.email(System.nanoTime()), words.name(), words.chance(50),
                words.chance(50) ? words.address() : null);
    }

    /** Takes orders, items, payments, cart and session with it. */
    private void forgetCustomer() throws SQLException {
        shop.run("DELETE FROM customers WHERE id = ?", someone());
    }

    private void renameCustomer() throws SQLException {
        shop.run("UPDATE customers SET email = upper(email), name = ? WHERE id = ?", words.name(), someone());
    }

    private void forgetEvents() throws SQLException {
        shop.run(shop.either("DELETE FROM events WHERE rowid IN (SELECT rowid FROM events ORDER BY at_ms LIMIT ?)",
                "DELETE FROM events WHERE ctid IN (SELECT ctid FROM events ORDER BY at_ms LIMIT ?)"), 1 + words.below(EVENTS_DROPPED_MAX));
    }

    private void configure() throws SQLException {
        shop.run("""
                INSERT INTO settings (name, value) VALUES (?, ?)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value""",
                "setting." + words.below(12), words.chance(50) ? (Object) words.below(1_000) : words.product());
    }

    private long someone() throws SQLException {
        return oneOf("SELECT max(id) FROM customers", "SELECT id FROM customers WHERE id >= ? ORDER BY id LIMIT 1");
    }

    private long something() throws SQLException {
        return oneOf("SELECT max(id) FROM products", "SELECT id FROM products WHERE id >= ? ORDER BY id LIMIT 1");
    }

    private long oneOf(String highest, String next) throws SQLException {
        return shop.number(1, next, 1 + words.below((int) Math.min(shop.number(1, highest), Integer.MAX_VALUE)));
    }
}
