package dev.sluice.demo;

import dev.sluice.postgres.Target;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The demo's own look at both sides once the application has stopped: plain counts and sums in plain SQL, which share
 * no code with verification.
 */
final class RestComparison {

    private static final List<Question> QUESTIONS = List.of(
            same("customers", "SELECT count(*), sum(id), sum(length(name)), sum(length(email)) FROM customers"),
            new Question("customers: newsletter, born",
                    "SELECT sum(newsletter), count(born), max(born) FROM customers",
                    "SELECT sum(newsletter::int), count(born), max(born)::text FROM customers"),
            same("accounts", "SELECT count(*), sum(balance_cents), sum(id * balance_cents) FROM accounts"),
            same("transfers", "SELECT count(*), sum(amount_cents), sum(from_account * amount_cents) FROM transfers"),
            new Question("products",
                    "SELECT count(*), sum(stock), printf('%.2f', sum(price)), sum(length(thumbnail)) FROM products",
                    "SELECT count(*), sum(stock), round(sum(price)::numeric, 2), sum(length(thumbnail)) FROM products"),
            same("stock_movements", "SELECT count(*), sum(delta), max(id) FROM stock_movements"),
            same("orders", "SELECT count(*), sum(total_cents), sum(length(note)), count(shipped_on) FROM orders"),
            same("orders: by status", "SELECT count(CASE status WHEN 'new' THEN 1 END),"
                    + " count(CASE status WHEN 'paid' THEN 1 END), count(CASE status WHEN 'shipped' THEN 1 END)"
                    + " FROM orders"),
            new Question("order_items",
                    "SELECT count(*), sum(quantity), printf('%.2f', sum(quantity * unit_price)) FROM order_items",
                    "SELECT count(*), sum(quantity), round(sum(quantity * unit_price)::numeric, 2) FROM order_items"),
            new Question("payments",
                    "SELECT count(*), sum(paid_ms), printf('%.2f', sum(amount)) FROM payments",
                    "SELECT count(*), sum(paid_ms), round(sum(amount)::numeric, 2) FROM payments"),
            same("cart_lines", "SELECT count(*), sum(quantity), sum(customer_id) FROM cart_lines"),
            same("sessions", "SELECT count(*), sum(customer_id), sum(length(state)) FROM sessions"),
            same("events", "SELECT count(*), sum(at_ms), count(detail) FROM events"),
            same("settings", "SELECT count(*), count(value) FROM settings"));

    private static final Question VIEW =
            same("view open_orders", "SELECT count(*), sum(total_cents), sum(length(customer)) FROM open_orders");

    /** One question in both dialects. */
    private record Question(String about, String sqlite, String postgres) {}

    /** The answers to one question. */
    record Answer(String about, List<String> sqlite, List<String> postgres) {

        boolean isEqual() {
            return sqlite.equals(postgres);
        }
    }

    private RestComparison() {}

    private static Question same(String about, String sql) {
        return new Question(about, sql, sql);
    }

    /** Asks everything on both sides; of the view only if the plan carries it. */
    static List<Answer> ask(Path file, Target target, boolean viewCarried) throws SQLException {
        try (Connection sqlite = DriverManager.getConnection("jdbc:sqlite:" + file);
                Connection postgres = target.connect()) {
            List<Answer> answers = new ArrayList<>();
            List<Question> questions = new ArrayList<>(QUESTIONS);
            if (viewCarried) {
                questions.add(VIEW);
            }
            for (Question question : questions) {
                answers.add(new Answer(question.about, row(sqlite, question.sqlite), row(postgres, question.postgres)));
            }
            return answers;
        }
    }

    private static List<String> row(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            List<String> values = new ArrayList<>();
            for (int column = 1; column <= row.getMetaData().getColumnCount(); column++) {
                values.add(Objects.requireNonNullElse(row.getString(column), "NULL"));
            }
            return values;
        }
    }
}
