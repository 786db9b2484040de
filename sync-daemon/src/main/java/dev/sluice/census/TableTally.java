package dev.sluice.census;

import dev.sluice.change.Value;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Counts one table's rows as they come. Not thread-safe. */
final class TableTally {

    private final SourceTable table;
    private final ColumnTally[] columns;
    private final int[] key;
    private long rows;
    private long bytes;
    private long keyNulls;
    private long largestRow;

    TableTally(SourceTable table, CandidateSource candidates) {
        this.table = table;
        List<ColumnTally> tallies = new ArrayList<>();
        List<Integer> keyPositions = new ArrayList<>();
        for (SourceColumn column : table.storedColumns()) {
            if (column.keyPosition() > 0) {
                keyPositions.add(tallies.size());
            }
            tallies.add(new ColumnTally(column, candidates.of(table, column)));
        }
        this.columns = tallies.toArray(ColumnTally[]::new);
        this.key = keyPositions.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Takes one row; returns the bytes of its content. */
    long add(Value[] values, long row) {
        long size = 0;
        for (int i = 0; i < columns.length; i++) {
            size += columns[i].add(values[i], row);
        }
        for (int position : key) {
            if (values[position].isNull()) {
                keyNulls++;
                break;
            }
        }
        rows++;
        bytes += size;
        largestRow = Math.max(largestRow, size);
        return size;
    }

    long rows() {
        return rows;
    }

    long bytes() {
        return bytes;
    }

    TableCensus result(String problem) {
        return new TableCensus(table.name(), rows, bytes, Arrays.stream(columns).map(ColumnTally::result).toList(),
                keyNulls, largestRow, problem);
    }
}
