package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * The processor time of a PostgreSQL server on this machine, all its processes together, from {@code /proc} (proc(5),
 * stat). A backend that has ended is counted in its parent, the postmaster, which waits for it.
 */
final class CpuTime {

    /** USER_HZ, which Linux fixes for programs at 100. */
    private static final double TICKS_PER_SECOND = 100;

    private static final CpuTime UNKNOWN = new CpuTime(OptionalLong.empty());

    private final OptionalLong postmaster;

    private CpuTime(OptionalLong postmaster) {
        this.postmaster = postmaster;
    }

    /** Finds the server behind {@code connection}; where it is not on this machine every answer is NaN. */
    static CpuTime ofServer(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery(
                "SELECT pg_backend_pid(), host(inet_client_addr()) IS NOT DISTINCT FROM host(inet_server_addr())")) {
            row.next();
            List<String> fields = row.getBoolean(2) ? stat(Path.of("/proc/" + row.getLong(1))) : List.of();
            boolean postgres = !fields.isEmpty() && fields.get(0).equals("postgres");
            return postgres ? new CpuTime(OptionalLong.of(Long.parseLong(fields.get(2)))) : UNKNOWN;
        }
    }

    /** Seconds used since {@code before}, a former answer of {@link #seconds}; null where the server is elsewhere. */
    Double since(double before) {
        double used = seconds() - before;
        return Double.isNaN(used) ? null : (Double) used;
    }

    /** Seconds since the server started. */
    double seconds() {
        if (postmaster.isEmpty()) {
            return Double.NaN;
        }
        String parent = Long.toString(postmaster.getAsLong());
        long ticks = ticks(stat(Path.of("/proc", parent)), 4);
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            ticks += processes.filter(path -> path.getFileName().toString().matches("\\d+")).map(CpuTime::stat)
                    .filter(fields -> !fields.isEmpty() && fields.get(2).equals(parent))
                    .mapToLong(fields -> ticks(fields, 2)).sum();
        } catch (IOException e) {
            return Double.NaN;
        }
        return ticks / TICKS_PER_SECOND;
    }

    /** utime and stime, and with four also those of children that have ended. */
    private static long ticks(List<String> fields, int count) {
        return fields.isEmpty() ? 0 : fields.subList(12, 12 + count).stream().mapToLong(Long::parseLong).sum();
    }

    /** The program's name, then the fields behind it from the third (state) on; empty where there is no such process. */
    private static List<String> stat(Path process) {
        try {
            String line = Files.readString(process.resolve("stat"));
            int open = line.indexOf('(');
            int close = line.lastIndexOf(')');
            return Stream.concat(Stream.of(line.substring(open + 1, close)),
                    Stream.of(line.substring(close + 2).split(" "))).toList();
        } catch (IOException e) {
            return List.of(); // it has ended meanwhile
        }
    }
}
