package dev.sluice.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Statements that travel to the server together and are answered together, in their order and within the caller's
 * transaction: a small batch of changes then waits for one answer instead of one for each statement. The driver sends them
 * as one prepared text, of which the server keeps each statement's plan. Not thread-safe.
 */
public final class Pipeline {

    private final Connection connection;
    private final StringBuilder sql = new StringBuilder();
    private final List<Object> values = new ArrayList<>();
    private final List<String> refusals = new ArrayList<>();

    public Pipeline(Connection connection) {
        this.connection = connection;
    }

    /** For what can't be sent with the others; {@link #send} must come before it. */
    public Connection connection() {
        return connection;
    }

    /** Adds one statement, without a semicolon, and the values of its parameters. */
    public void add(String statement, List<?> parameters) {
        addChecked(null, statement, parameters);
    }

    /** As {@link #add}; {@link #send} throws an IllegalStateException with {@code refusal} if it changes no row. */
    public void addChecked(String refusal, String statement, List<?> parameters) {
        sql.append(sql.length() == 0 ? "" : ";\n").append(statement);
        values.addAll(parameters);
        refusals.add(refusal);
    }

    /** An array as a parameter. */
    public Object array(String type, Object[] elements) throws SQLException {
        return connection.createArrayOf(type, elements);
    }

    /** Sends what was added since the last time, and waits for the answer; nothing happens if there is nothing. */
    public void send() throws SQLException {
        if (refusals.isEmpty()) {
            return;
        }
        List<String> sent = List.copyOf(refusals.stream().map(refusal -> refusal == null ? "" : refusal).toList());
        try (PreparedStatement statement = connection.prepareStatement(sql.toString())) {
            for (int i = 0; i < values.size(); i++) {
                statement.setObject(i + 1, values.get(i));
            }
            sql.setLength(0);
            values.clear();
            refusals.clear();
            statement.execute();
            for (String refusal : sent) {
                if (!refusal.isEmpty() && statement.getUpdateCount() < 1) {
                    throw new IllegalStateException(refusal);
                }
                statement.getMoreResults();
            }
        }
    }
}
