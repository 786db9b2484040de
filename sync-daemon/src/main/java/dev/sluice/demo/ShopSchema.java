package dev.sluice.demo;

import java.util.List;

/** What the sample application declares in its file: a small web shop with a little of all that SQLite offers. */
final class ShopSchema {

    private ShopSchema() {}

    static final List<String> TABLES = List.of("customers", "accounts", "transfers", "products", "stock_movements",
            "orders", "order_items", "payments", "cart_lines", "sessions", "events", "settings");

    /** In the order in which they are run. */
    static final List<String> STATEMENTS = List.of(
            """
            CREATE TABLE customers (
              id INTEGER PRIMARY KEY AUTOINCREMENT,
              email TEXT NOT NULL COLLATE NOCASE UNIQUE,
              name VARCHAR(80) NOT NULL,
              newsletter BOOLEAN NOT NULL DEFAULT 0 CHECK (newsletter IN (0, 1)),
              address JSON,
              born DATE,
              created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
            )""",
            """
            CREATE TABLE accounts (
              id INTEGER PRIMARY KEY,
              holder TEXT NOT NULL,
              balance_cents INTEGER NOT NULL CHECK (balance_cents >= 0)
            )""",
            """
            CREATE TABLE transfers (
              id INTEGER PRIMARY KEY,
              from_account INTEGER NOT NULL REFERENCES accounts (id),
              to_account INTEGER NOT NULL REFERENCES accounts (id),
              amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
              made_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
              CHECK (from_account <> to_account)
            )""",
            """
            CREATE TABLE products (
              id INTEGER PRIMARY KEY,
              sku TEXT NOT NULL UNIQUE,
              name TEXT NOT NULL,
              price DECIMAL(10,2) NOT NULL CHECK (price >= 0),
              weight_kg REAL,
              stock INTEGER NOT NULL DEFAULT 0 CHECK (stock >= 0),
              active BOOLEAN NOT NULL DEFAULT 1,
              attributes JSON,
              thumbnail BLOB,
              updated_at DATETIME
            )""",
            """
            CREATE TABLE stock_movements (
              id INTEGER PRIMARY KEY,
              product_id INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE,
              delta INTEGER NOT NULL,
              moved_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
            )""",
            """
            CREATE TABLE orders (
              id INTEGER PRIMARY KEY AUTOINCREMENT,
              customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
              status TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'paid', 'shipped', 'cancelled')),
              total_cents INTEGER NOT NULL DEFAULT 0,
              note TEXT,
              placed_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
              shipped_on DATE
            )""",
            """
            CREATE TABLE order_items (
              order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
              line INTEGER NOT NULL,
              product_id INTEGER NOT NULL REFERENCES products (id),
              quantity INTEGER NOT NULL CHECK (quantity > 0),
              unit_price DECIMAL(10,2) NOT NULL,
              PRIMARY KEY (order_id, line)
            )""",
            """
            CREATE TABLE payments (
              id UUID PRIMARY KEY NOT NULL,
              order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
              amount DECIMAL(10,2) NOT NULL,
              method TEXT NOT NULL CHECK (method IN ('card', 'transfer', 'voucher')),
              captured BOOLEAN NOT NULL DEFAULT 0,
              paid_ms INTEGER NOT NULL
            )""",
            """
            CREATE TABLE cart_lines (
              customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
              product_id INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE,
              quantity INTEGER NOT NULL DEFAULT 1,
              PRIMARY KEY (customer_id, product_id)
            )""",
            """
            CREATE TABLE sessions (
              token TEXT PRIMARY KEY NOT NULL,
              customer_id INTEGER NOT NULL UNIQUE REFERENCES customers (id) ON DELETE CASCADE,
              state BLOB,
              expires_at DATETIME NOT NULL
            )""",
            """
            CREATE TABLE events (
              at_ms INTEGER NOT NULL,
              kind TEXT NOT NULL,
              detail
            )""",
            """
            CREATE TABLE settings (
              name TEXT PRIMARY KEY,
              value
            ) WITHOUT ROWID""",
            "CREATE INDEX orders_by_customer ON orders (customer_id, placed_at DESC)",
            "CREATE INDEX orders_open ON orders (placed_at) WHERE status IN ('new', 'paid')",
            "CREATE INDEX items_by_product ON order_items (product_id)",
            "CREATE INDEX movements_by_product ON stock_movements (product_id)",
            "CREATE INDEX payments_by_order ON payments (order_id)",
            "CREATE UNIQUE INDEX payments_captured_once ON payments (order_id) WHERE captured = 1",
            "CREATE INDEX carts_by_product ON cart_lines (product_id)",
            "CREATE INDEX events_by_time ON events (at_ms)",
            """
            CREATE VIEW open_orders AS
            SELECT o.id, c.name AS customer, o.status, o.total_cents, o.placed_at
            FROM orders o JOIN customers c ON c.id = o.customer_id
            WHERE o.status IN ('new', 'paid')""",
            """
            CREATE TRIGGER products_touch AFTER UPDATE OF price, stock, attributes ON products
            BEGIN
              UPDATE products SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = NEW.id;
            END""",
            """
            CREATE TRIGGER stock_ledger AFTER UPDATE OF stock ON products WHEN OLD.stock <> NEW.stock
            BEGIN
              INSERT INTO stock_movements (product_id, delta) VALUES (NEW.id, NEW.stock - OLD.stock);
            END""");
}
