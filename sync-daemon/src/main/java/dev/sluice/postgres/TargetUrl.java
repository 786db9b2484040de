package dev.sluice.postgres;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.postgresql.PGProperty;

/**
 * The address of a target: {@code postgres://user@host:port/database?sslmode=…&schema=…}, the same behind
 * {@code postgresql:} or {@code jdbc:postgresql:}, or the word {@code embedded}. Never holds a password; its text is
 * safe to print. Immutable.
 *
 * @param host       name or address without brackets; null for {@code embedded}
 * @param user       null where the address names none
 * @param schema     the target schema the address names, null where it names none
 * @param parameters driver properties by the names of PostgreSQL's JDBC driver
 */
public record TargetUrl(String host, int port, String database, String user, String schema,
        Map<String, String> parameters) {

    /** The word that stands for a PostgreSQL that Sluice starts itself. */
    public static final String EMBEDDED = "embedded";
    public static final String DEFAULT_SCHEMA = "public";

    private static final int DEFAULT_PORT = 5432;
    private static final String FORM = "postgres://user@host:5432/database";
    private static final String PASSWORD_ADVICE = "put the password into the environment variable"
            + " SLUICE_TARGET_PASSWORD, a file named by target.passwordFile, or ~/.pgpass";
    /** libpq's names for what the JDBC driver calls otherwise. */
    private static final Map<String, String> LIBPQ_NAMES = Map.of("connect_timeout", "connectTimeout",
            "application_name", "ApplicationName", "dbname", "PGDBNAME", "sslpassword", "sslpassword");
    /** Properties that Sluice itself decides. */
    private static final Set<String> OURS = Set.of("PGDBNAME", "PGHOST", "PGPORT", "currentSchema", "socketFactory",
            "autosave", "readOnly", "readOnlyMode", "replication", "preferQueryMode", "stringtype",
            "reWriteBatchedInserts", "logServerErrorDetail", "options", "assumeMinServerVersion");

    public TargetUrl {
        parameters = Map.copyOf(parameters);
    }

    /**
     * Reads any of the accepted forms; {@link TargetRefusal} says in one sentence what is wrong, without repeating
     * it.
     */
    public static TargetUrl parse(String text) {
        String rest = text.strip();
        if (rest.equalsIgnoreCase(EMBEDDED)) {
            return new TargetUrl(null, 0, null, null, null, Map.of());
        }
        if (rest.startsWith("jdbc:")) {
            rest = rest.substring("jdbc:".length());
        }
        int scheme = rest.indexOf(':');
        String name = scheme < 0 ? "" : rest.substring(0, scheme);
        if (!name.equals("postgres") && !name.equals("postgresql")) {
            throw new TargetRefusal("the target is not a PostgreSQL address: write " + FORM + " or the word embedded");
        }
        rest = rest.substring(scheme + 1);
        if (!rest.startsWith("//")) { // jdbc:postgresql:database means the local server
            rest = "//localhost/" + rest.replaceFirst("^/", "");
        }
        return parseAfterSlashes(rest.substring(2));
    }

    private static TargetUrl parseAfterSlashes(String rest) {
        int fragment = rest.indexOf('#');
        if (fragment >= 0) {
            throw new TargetRefusal("the target address contains '#': write it as %23");
        }
        int query = rest.indexOf('?');
        String place = query < 0 ? rest : rest.substring(0, query);
        // A password may hold '/', '?' or '@' by mistake, so what stands before the last '@' decides, not the first
        // '/'.
        int slash = place.indexOf('/', place.lastIndexOf('@') + 1);
        String authority = slash < 0 ? place : place.substring(0, slash);
        String database = slash < 0 ? "" : decoded(place.substring(slash + 1));

        int at = authority.lastIndexOf('@');
        String user = at < 0 ? null : authority.substring(0, at);
        if (user != null && user.indexOf(':') >= 0 || query >= 0 && rest.indexOf('@', query) >= 0) {
            throw new TargetRefusal("the target address contains a password, which others could read in the process"
                    + " list: leave it out and " + PASSWORD_ADVICE);
        }
        user = user == null || user.isEmpty() ? null : decoded(user);

        String hostAndPort = authority.substring(at + 1);
        if (hostAndPort.indexOf(',') >= 0) {
            throw new TargetRefusal("the target address names several hosts: name the one that takes writes");
        }
        int colon = hostAndPort.startsWith("[") ? hostAndPort.indexOf(':', hostAndPort.indexOf(']'))
                : hostAndPort.indexOf(':');
        String host = decoded(colon < 0 ? hostAndPort : hostAndPort.substring(0, colon)).replaceAll("[\\[\\]]", "");
        int port = colon < 0 || colon == hostAndPort.length() - 1 ? DEFAULT_PORT
                : port(hostAndPort.substring(colon + 1));

        Map<String, String> parameters = new LinkedHashMap<>();
        String schema = null;
        for (String pair : query < 0 ? new String[0] : rest.substring(query + 1).split("&")) {
            if (pair.isEmpty()) {
                continue;
            }
            int equals = pair.indexOf('=');
            String key = decoded(equals < 0 ? pair : pair.substring(0, equals));
            String value = equals < 0 ? "" : decoded(pair.substring(equals + 1));
            switch (key) {
                case "schema", "currentSchema" -> schema = value;
                case "user" -> user = value;
                case "host", "port" -> throw new TargetRefusal("the target address has the parameter " + key
                        + ": write host and port before the database, " + FORM);
                case "password", "sslpassword", "PGPASSWORD" -> throw new TargetRefusal("the target address contains"
                        + " a password, which others could read in the process list: leave it out and "
                        + PASSWORD_ADVICE);
                default -> parameters.put(known(key), value);
            }
        }
        if (database.indexOf('/') >= 0) {
            throw new TargetRefusal("the target address has more than one '/' behind the host: write " + FORM);
        }
        if (schema != null && (schema.isEmpty() || schema.indexOf(',') >= 0)) {
            throw new TargetRefusal("the target address must name exactly one schema: schema=public for example");
        }
        return new TargetUrl(host.isEmpty() ? "localhost" : host, port,
                database.isEmpty() ? null : database, user, schema, parameters);
    }

    /** True where Sluice is asked to start a PostgreSQL of its own. */
    public boolean embedded() {
        return host == null;
    }

    public TargetUrl withUser(String otherUser) {
        return new TargetUrl(host, port, database, otherUser, schema, parameters);
    }

    public TargetUrl withSchema(String otherSchema) {
        return new TargetUrl(host, port, database, user, otherSchema, parameters);
    }

    /**
     * The user to log in as: the address's, or as with PostgreSQL's own tools PGUSER or the name of the system's
     * user.
     */
    public String effectiveUser() {
        if (user != null) {
            return user;
        }
        String fromEnvironment = System.getenv("PGUSER");
        return fromEnvironment != null && !fromEnvironment.isEmpty()
                ? fromEnvironment : System.getProperty("user.name");
    }

    /**
     * The database to connect to; without one in the address the one named like the user, as in PostgreSQL's own
     * tools.
     */
    public String effectiveDatabase() {
        return database != null ? database : effectiveUser();
    }

    /** {@link #schema}, or {@code public}. */
    public String effectiveSchema() {
        return schema != null ? schema : DEFAULT_SCHEMA;
    }

    /** {@code host:port}, for sentences. */
    public String place() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }

    /** The address as one can write it on a command line; there is no secret in it. */
    @Override
    public String toString() {
        if (embedded()) {
            return EMBEDDED;
        }
        StringBuilder text = new StringBuilder("postgres://");
        if (user != null) {
            text.append(encoded(user)).append('@');
        }
        text.append(place());
        if (database != null) {
            text.append('/').append(encoded(database));
        }
        char separator = '?';
        if (schema != null) {
            text.append(separator).append("schema=").append(encoded(schema));
            separator = '&';
        }
        for (Map.Entry<String, String> parameter : new java.util.TreeMap<>(parameters).entrySet()) {
            text.append(separator).append(encoded(parameter.getKey())).append('=')
                    .append(encoded(parameter.getValue()));
            separator = '&';
        }
        return text.toString();
    }

    private static String known(String key) {
        String name = LIBPQ_NAMES.getOrDefault(key, key);
        if (PGProperty.forName(name) == null) {
            throw new TargetRefusal("the target address has the unknown parameter '" + key
                    + "': use schema or the names of PostgreSQL's JDBC driver, for example sslmode or sslrootcert");
        }
        if (OURS.contains(name)) {
            throw new TargetRefusal("the target address sets the parameter '" + key
                    + "', which Sluice must decide itself: leave it out");
        }
        return name;
    }

    private static int port(String digits) {
        if (digits.matches("[0-9]{1,5}")) {
            int port = Integer.parseInt(digits);
            if (port >= 1 && port <= 65535) {
                return port;
            }
        }
        throw new TargetRefusal("the port in the target address is not a number from 1 to 65535: write " + FORM);
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new TargetRefusal("the target address has a '%' that is not followed by two hex digits: write %25",
                    e);
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
