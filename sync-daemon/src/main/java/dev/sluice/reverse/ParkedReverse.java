package dev.sluice.reverse;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;

/**
 * A row of PostgreSQL that SQLite could not take, kept whole in {@code _sluice_parked_reverse} of the source.
 *
 * @param table the source table
 * @param key the printed parts of its key
 * @param row a JSON object: what PostgreSQL printed, by target column
 * @param kept a JSON object: what the row had in SQLite that the target has no place for, by source column; or null
 * @param code short and stable, for metrics
 * @param reason one sentence without values
 * @param lsn the end of the transaction it came with
 * @param parkedAt ISO time in UTC
 */
public record ParkedReverse(
        String table, String key, String row, String kept, String code, String reason, long lsn, String parkedAt) {

    static final String SELECT =
            "SELECT tbl, key, row, kept, code, reason, lsn, parked_at FROM \"_sluice_parked_reverse\"";

    /** What PostgreSQL printed, by target column. */
    public Map<String, String> values() {
        return RowWriter.texts(row);
    }

    static ParkedReverse of(ResultSet row) throws SQLException {
        return new ParkedReverse(row.getString(1), row.getString(2), row.getString(3), row.getString(4), row.getString(5),
                row.getString(6), row.getLong(7), row.getString(8));
    }
}
