package dev.sluice.testing;

import dev.sluice.schema.SqlToken;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A trap as a folder: {@code schema.sql} and {@code seed.sql} make a source, {@code expect} says what must come of it
 * (see {@code cases/README.md}).
 */
public record CaseFolder(Path path) {

    /** All of them, by name. */
    public static List<CaseFolder> all() throws IOException {
        URL root = CaseFolder.class.getResource("/cases");
        if (root == null) {
            throw new IllegalStateException("no folder cases on the test class path");
        }
        try (Stream<Path> folders = Files.list(Path.of(root.toURI()))) {
            return folders.filter(Files::isDirectory).sorted().map(CaseFolder::new).toList();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    public String name() {
        return path.getFileName().toString();
    }

    /** Makes the source in {@code folder}, {@code <name>.db}. */
    public Path create(Path folder) throws IOException, SQLException {
        Path database = folder.resolve(name() + ".db");
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
                Statement statement = connection.createStatement()) {
            for (String sql : statements(Files.readString(path.resolve("schema.sql")))) {
                statement.execute(sql);
            }
            statement.execute("BEGIN");
            for (String sql : statements(Files.readString(path.resolve("seed.sql")))) {
                try {
                    statement.execute(sql);
                } catch (SQLException e) {
                    throw new SQLException(name() + ": " + e.getMessage() + ": " + sql, e);
                }
            }
            statement.execute("COMMIT");
        }
        return database;
    }

    /** What is expected: the last colon with a space behind it splits key and value. */
    public Map<String, String> expected() throws IOException {
        Map<String, String> expected = new LinkedHashMap<>();
        for (String line : Files.readAllLines(path.resolve("expect"))) {
            if (!line.isBlank() && !line.startsWith("#")) {
                int colon = line.lastIndexOf(": ");
                if (expected.put(line.substring(0, colon), line.substring(colon + 2)) != null) {
                    throw new IllegalArgumentException(name() + ": twice in expect: " + line.substring(0, colon));
                }
            }
        }
        return expected;
    }

    /** Splits a script at its semicolons, but for those within a trigger. */
    static List<String> statements(String script) {
        List<String> statements = new ArrayList<>();
        List<SqlToken> tokens = SqlToken.tokens(script);
        int first = 0;
        for (int i = 0; i < tokens.size(); i++) {
            if (!tokens.get(i).isOperator(";")) {
                continue;
            }
            boolean trigger = tokens.get(first).is("CREATE") && tokens.get(first + 1).is("TRIGGER");
            boolean end = i >= 2 && tokens.get(i - 1).is("END") && tokens.get(i - 2).isOperator(";");
            if (!trigger || end) {
                statements.add(script.substring(tokens.get(first).start(), tokens.get(i).start()));
                first = i + 1;
            }
        }
        if (first < tokens.size()) {
            throw new IllegalArgumentException("no semicolon behind " + script.substring(tokens.get(first).start()));
        }
        return statements;
    }
}
