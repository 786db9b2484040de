package dev.sluice.testing;

import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A SQLite file that a test makes, with a connection that plays the application. */
public final class SourceFile implements AutoCloseable {

    private final SqliteFile file;
    private final Connection app;

    public SourceFile(Path path, String... statements) throws SQLException {
        this.file = new SqliteFile(path);
        this.app = DriverManager.getConnection("jdbc:sqlite:" + path);
        app(statements);
    }

    /** Runs statements as the application. */
    public void app(String... statements) throws SQLException {
        for (String sql : statements) {
            try (Statement statement = app.createStatement()) {
                statement.execute(sql);
            }
        }
    }

    /** Every row of a query as the application sees it, its values as text. */
    public List<String> ask(String sql) throws SQLException {
        List<String> answer = new ArrayList<>();
        try (Statement statement = app.createStatement(); ResultSet row = statement.executeQuery(sql)) {
            while (row.next()) {
                StringBuilder line = new StringBuilder();
                for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                    line.append(i > 1 ? "|" : "").append(row.getString(i));
                }
                answer.add(line.toString());
            }
        }
        return answer;
    }

    public Connection appConnection() {
        return app;
    }

    public SqliteFile file() {
        return file;
    }

    public SqliteSession reader() throws SQLException {
        return file.openReader(Duration.ofSeconds(5));
    }

    public SqliteSession writer() throws SQLException {
        return file.openWriter(Duration.ofSeconds(5));
    }

    @Override
    public void close() throws SQLException {
        app.close();
    }
}
