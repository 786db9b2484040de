package dev.sluice.testing;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * The other end of {@link Application}: runs with nothing but a driver of its own, which may be fifteen years old. One
 * request a line, {@code verb SPACE text}; one answer, {@code ok COUNT} and so many lines, or {@code no CODE MESSAGE}.
 */
public final class ApplicationProcess {

    private static Connection connection;
    private static PreparedStatement kept;
    private static ResultSet cursor;

    private ApplicationProcess() {}

    public static void main(String[] args) throws Exception {
        Class.forName("org.sqlite.JDBC");
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            int space = line.indexOf(' ');
            try {
                List<String> rows = answer(line.substring(0, space), unescaped(line.substring(space + 1)));
                answers.print("ok " + rows.size() + "\n");
                rows.forEach(row -> answers.print(escaped(row) + "\n"));
            } catch (SQLException e) {
                answers.print("no " + code(e) + " " + escaped(String.valueOf(e.getMessage())) + "\n");
            }
            answers.flush();
        }
    }

    private static List<String> answer(String verb, String text) throws SQLException {
        return switch (verb) {
            case "open" -> opened(text);
            case "run" -> ran(text);
            case "update" -> updated(text);
            case "insert" -> inserted(text);
            case "keep" -> keptStatement(text);
            case "again" -> List.of(String.valueOf(kept.executeUpdate()));
            case "cursor" -> cursorOver(text);
            case "next" -> cursor.next() ? List.of(row(cursor)) : List.of();
            default -> throw new SQLException("no such request: " + verb);
        };
    }

    private static List<String> opened(String file) throws SQLException {
        if (connection != null) {
            connection.close();
        }
        connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        return ran("SELECT sqlite_version()");
    }

    private static List<String> ran(String sql) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Statement statement = connection.createStatement()) {
            if (statement.execute(sql)) {
                try (ResultSet result = statement.getResultSet()) {
                    while (result.next()) {
                        rows.add(row(result));
                    }
                }
            }
        }
        return rows;
    }

    private static List<String> updated(String sql) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            return List.of(String.valueOf(statement.executeUpdate()));
        }
    }

    private static List<String> inserted(String sql) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.executeUpdate();
            try (ResultSet keys = statement.getGeneratedKeys()) {
                return keys.next() ? List.of(row(keys)) : List.of();
            }
        }
    }

    private static List<String> keptStatement(String sql) throws SQLException {
        if (kept != null) {
            kept.close();
        }
        kept = connection.prepareStatement(sql);
        return List.of();
    }

    private static List<String> cursorOver(String sql) throws SQLException {
        cursor = connection.prepareStatement(sql).executeQuery();
        return List.of();
    }

    private static String row(ResultSet result) throws SQLException {
        StringBuilder row = new StringBuilder();
        for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
            row.append(i > 1 ? "|" : "").append(result.getString(i));
        }
        return row.toString();
    }

    /** The extended code where the driver knows it, else what is between the brackets of its message. */
    private static int code(SQLException e) {
        try {
            Object code = e.getClass().getMethod("getResultCode").invoke(e);
            return code.getClass().getField("code").getInt(code);
        } catch (ReflectiveOperationException old) {
            return e.getErrorCode();
        }
    }

    static String escaped(String text) {
        return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r");
    }

    static String unescaped(String text) {
        StringBuilder plain = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                i++;
                c = text.charAt(i) == 'n' ? '\n' : text.charAt(i) == 'r' ? '\r' : text.charAt(i);
            }
            plain.append(c);
        }
        return plain.toString();
    }
}
