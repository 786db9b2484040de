package dev.sluice.postgres;

import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import javax.net.ssl.SSLException;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * What an error of the target means; the one place that reads SQLSTATE
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html). {@link #OTHER} means stop: a retry would hide a
 * bug.
 */
public enum SqlFailure {

    /** The server is away, going down, starting, full of connections, or the connection was lost: reconnect. */
    UNREACHABLE,
    /** Serialization failure, deadlock, lock or statement timeout: the same transaction may succeed when repeated. */
    TRANSIENT,
    /** The server's disk or a quota is full. */
    DISK_FULL,
    /** The server or the session takes no writes: a standby, or default_transaction_read_only. */
    READ_ONLY,
    /** The fence of the target refused a write: the session is not one of ours, or has lost the word that says so. */
    FENCED,
    /** Wrong password, no such role, or a missing privilege. */
    PERMISSION,
    /** A unique or exclusion constraint. */
    UNIQUE_VIOLATION,
    FOREIGN_KEY,
    /** A CHECK constraint, a domain's check or a view's check option. */
    CHECK,
    NOT_NULL,
    /** A value does not fit the column's type. */
    NOT_REPRESENTABLE,
    /** A row, value or index entry is larger than PostgreSQL takes. */
    TOO_LARGE,
    /** A database, schema, table, column, function or type is not there (any more). */
    MISSING,
    OTHER;

    /** SQLSTATE classes whose message names objects and code only, never the value of a row. */
    private static final Set<String> SPEAKING_CLASSES =
            Set.of("08", "0A", "25", "28", "2B", "3D", "3F", "42", "53", "55", "57", "58", "XX");

    /** Reads the first SQLSTATE on the way from {@code failure} to its causes; a bare I/O error means unreachable. */
    public static SqlFailure of(Throwable failure) {
        SQLException sql = speaking(failure);
        if (sql != null) {
            return ofState(sql.getSQLState());
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            // HikariCP without a cause: no connection of the pool came free in time.
            if (cause instanceof SQLTransientConnectionException || cause instanceof IOException) {
                return UNREACHABLE;
            }
        }
        return OTHER;
    }

    /** As the server itself says when a standby is written to, for who finds out before. */
    public static SQLException standby() {
        return new SQLException("the target is a standby", "25006");
    }

    /** True where another session held a lock for as long as we wait: nothing that passes in a moment. */
    public static boolean isLockTimeout(Throwable failure) {
        SQLException sql = speaking(failure);
        return sql != null && sql.getSQLState().equals("55P03");
    }

    /** True where repeating the whole transaction later can succeed without anybody doing anything about the data. */
    public boolean heals() {
        return this == UNREACHABLE || this == TRANSIENT;
    }

    /** True where one row is at fault, so that it can be parked while the others go on. */
    public boolean concernsRow() {
        return switch (this) {
            case UNIQUE_VIOLATION, FOREIGN_KEY, CHECK, NOT_NULL, NOT_REPRESENTABLE, TOO_LARGE -> true;
            case UNREACHABLE, TRANSIENT, DISK_FULL, READ_ONLY, FENCED, PERMISSION, MISSING, OTHER -> false;
        };
    }

    static SqlFailure ofState(String state) {
        switch (state) {
            case "57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04", "53300":
                return UNREACHABLE;
            case "40001", "40P01", "55P03", "57014":
                return TRANSIENT;
            case "53100":
                return DISK_FULL;
            case "25006":
                return READ_ONLY;
            case "SL001":
                return FENCED;
            case "42501":
                return PERMISSION;
            case "23505", "23P01":
                return UNIQUE_VIOLATION;
            case "23503", "23001":
                return FOREIGN_KEY;
            case "23514", "44000":
                return CHECK;
            case "23502":
                return NOT_NULL;
            case "22P03", "22P04": // the bytes we sent were malformed: our bug, not the row's
                return OTHER;
            case "53200", "54000", "54001", "54011", "54023":
                return TOO_LARGE;
            case "3D000", "3F000", "42P01", "42703", "42704", "42883":
                return MISSING;
            default:
                break;
        }
        if (state.startsWith("08")) {
            return UNREACHABLE;
        }
        if (state.startsWith("28")) {
            return PERMISSION;
        }
        return state.startsWith("22") ? NOT_REPRESENTABLE : OTHER;
    }

    /** As {@link #sentence(Throwable, TargetUrl)} where the address is not at hand. */
    public static String sentence(Throwable failure) {
        return sentence(failure, null);
    }

    /**
     * One sentence: what happened, where, what to do. Names constraints, tables and columns; never a value of a row, so
     * neither PostgreSQL's detail nor a message that quotes input.
     */
    public static String sentence(Throwable failure, TargetUrl url) {
        SQLException sql = speaking(failure);
        String state = sql == null ? "" : sql.getSQLState();
        String at = url == null ? "the target" : "the target at " + url.place();
        ServerErrorMessage server = server(sql);
        String where = where(server);
        return switch (of(failure)) {
            case UNREACHABLE -> unreachable(failure, state, at);
            case TRANSIENT -> switch (state) {
                case "40P01" -> at + " ended a deadlock by undoing our transaction; it is repeated";
                case "55P03" -> at + " did not give a lock" + where + " in time: another session holds it, look into"
                        + " pg_stat_activity and pg_locks";
                case "57014" -> at + " cancelled our statement, by a timeout or a person's request; it is repeated";
                default -> at + " could not serialize our transaction with another one; it is repeated";
            };
            case DISK_FULL -> at + " has no disk space left" + quoted(server) + ": free or add some on the disk of its data";
            case READ_ONLY -> at + " takes no writes (a standby, or default_transaction_read_only is on): name the"
                    + " primary, or let the role write";
            case FENCED -> at + " refused a write by the fence" + where + ": its session did not say that it is ours;"
                    + " connect to PostgreSQL itself, without a pooler that shares sessions";
            case PERMISSION -> permission(state, url, server, at);
            case UNIQUE_VIOLATION -> "a row breaks the " + (state.equals("23P01") ? "exclusion" : "unique")
                    + " constraint" + where + " of the target: look for another row with the same key there";
            case FOREIGN_KEY -> "a row breaks the foreign key" + where + " of the target: the row it points to is"
                    + " missing, or rows still point to it";
            case CHECK -> "a row breaks the check constraint" + where + " of the target: mend the row or the"
                    + " constraint";
            case NOT_NULL -> "a row has NULL where the target forbids it" + where + ": mend the row or drop NOT NULL";
            case NOT_REPRESENTABLE -> "a value does not fit the target's column type" + where + " (" + state
                    + "): widen the column or mend the value";
            case TOO_LARGE -> "a row, value or index entry" + where + " is larger than PostgreSQL takes (" + state
                    + "): shorten it or drop the index";
            case MISSING -> missing(state, url, server, at);
            case OTHER -> other(failure, sql, at, server);
        };
    }

    private static String unreachable(Throwable failure, String state, String at) {
        switch (state) {
            case "53300":
                return at + " has no connection left (" + state + "): raise max_connections, or lower target.poolSize"
                        + " or the number of other clients";
            case "57P03":
                return at + " is starting or shutting down and takes no connections yet; it is tried again";
            case "57P01", "57P02":
                return at + " was shut down or ended our session; it is tried again";
            case "57P04":
                return at + " has dropped the database: create it again or name another";
            case "25P03", "25P04", "57P05":
                return at + " ended our session by a timeout of its own (" + state + "); it is tried again";
            default:
                break;
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnknownHostException) {
                return at + " is unreachable: no address is known for this host name, check its spelling and the DNS";
            }
            if (cause instanceof ConnectException) {
                return at + " is unreachable: nothing accepts connections there, check host, port, firewall and that"
                        + " PostgreSQL runs and listens on it (listen_addresses)";
            }
            if (cause instanceof NoRouteToHostException) {
                return at + " is unreachable: there is no network route to it, check the network and the firewall";
            }
            if (cause instanceof SocketTimeoutException) {
                return at + " is unreachable: it did not answer in time, check host, port and firewall";
            }
            if (cause instanceof SSLException) {
                return at + " is unreachable: TLS failed, check sslmode and sslrootcert in the address and the server's"
                        + " certificate";
            }
        }
        if (state.equals("08004")) {
            return at + " rejected the connection: check pg_hba.conf, or sslmode in the address";
        }
        if (state.isEmpty() && failure instanceof SQLTransientConnectionException) {
            return at + " gave no connection in time: it is slow or away, or target.poolSize is too small";
        }
        return at + " is unreachable: the connection was lost" + (state.isEmpty() ? "" : " (" + state + ")")
                + ", check the network and the server's log";
    }

    private static String permission(String state, TargetUrl url, ServerErrorMessage server, String at) {
        String role = url == null ? "the role" : "the role '" + url.effectiveUser() + "'";
        if (state.equals("28P01")) {
            return at + " refused the password of " + role + ": check SLUICE_TARGET_PASSWORD, target.passwordFile or"
                    + " ~/.pgpass";
        }
        if (state.startsWith("28")) {
            return at + " does not let " + role + " in (" + state + "): check that it exists and may log in, and"
                    + " pg_hba.conf";
        }
        return role + " lacks a privilege at " + at + quoted(server) + ": grant it, or use the owner of the schema";
    }

    private static String missing(String state, TargetUrl url, ServerErrorMessage server, String at) {
        if (state.equals("3D000")) {
            return at + " has no database" + (url == null ? " of this name" : " '" + url.effectiveDatabase() + "'")
                    + ": create it with CREATE DATABASE, or name another";
        }
        return at + " lacks something that was expected (" + state + ")" + quoted(server)
                + ": the schema has changed, compare it with the plan";
    }

    private static String other(Throwable failure, SQLException sql, String at, ServerErrorMessage server) {
        if (sql == null) {
            return at + " failed with " + failure.getClass().getSimpleName() + ": look into the log";
        }
        String state = sql.getSQLState();
        return at + " refused a statement (" + state + ")" + quoted(server) + where(server) + ": look into the log";
    }

    /** The server's own words where its error class can't quote a value. */
    private static String quoted(ServerErrorMessage server) {
        if (server == null || server.getSQLState() == null || server.getMessage() == null
                || !SPEAKING_CLASSES.contains(server.getSQLState().substring(0, 2))) {
            return "";
        }
        // what depends on an object is named in the detail only
        String detail = server.getSQLState().equals("2BP01") && server.getDetail() != null ? " (" + server.getDetail() + ")" : "";
        return ", saying: " + (server.getMessage() + detail).replaceAll("\\s+", " ");
    }

    /** {@code  "constraint" on "schema"."table"."column"}, as far as the server names them. */
    private static String where(ServerErrorMessage server) {
        if (server == null) {
            return "";
        }
        StringBuilder text = new StringBuilder();
        if (server.getConstraint() != null) {
            text.append(" \"").append(server.getConstraint()).append('"');
        }
        if (server.getTable() != null) {
            text.append(server.getColumn() != null ? " in column \"" + server.getColumn() + "\" of \"" : " on \"");
            text.append(server.getSchema() == null ? "" : server.getSchema() + "\".\"");
            text.append(server.getTable()).append('"');
        }
        return text.toString();
    }

    private static ServerErrorMessage server(SQLException sql) {
        return sql instanceof PSQLException postgres ? postgres.getServerErrorMessage() : null;
    }

    /** The SQLException that carries the state: the first with one; of a failed batch the server's own. */
    private static SQLException speaking(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof BatchUpdateException batch && batch.getNextException() != null
                    && batch.getNextException().getSQLState() != null) {
                return batch.getNextException();
            }
            if (cause instanceof SQLException sql && sql.getSQLState() != null && sql.getSQLState().length() == 5) {
                // HikariCP repeats the state of its cause, which alone knows the server's message.
                return sql.getCause() instanceof PSQLException inner && sql.getSQLState().equals(inner.getSQLState())
                        ? inner : sql;
            }
        }
        return null;
    }
}
