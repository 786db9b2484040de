package dev.sluice.assess;

import dev.sluice.census.ColumnCensus;
import dev.sluice.census.TableCensus;
import dev.sluice.schema.SourceIndex;
import dev.sluice.schema.SourceTable;
import java.time.Duration;
import java.util.List;

/** What a table takes in PostgreSQL, from the widths that its values have there. */
final class TargetSize {

    static final String ASSUMPTION = "Assumes 150,000 rows/s or 60 MB/s for the copy, 500,000 rows/s per index,"
            + " 200,000 rows/s "
            + "for the verification, on two cores beside the database; sizes without compression, indexes filled to"
            + " 90 %.";

    private static final long PAGE = 8_192;
    private static final int TUPLE_HEADER = 28;
    private static final int INDEX_HEADER = 12;
    private static final double INDEX_FILL = 0.9;
    /** Of a page of 8,192 bytes, what a row may take (PostgreSQL's MaxHeapTupleSize, less its header). */
    private static final int INLINE_MAX = 8_160 - TUPLE_HEADER;
    /** A long value that was moved out leaves a pointer of so many bytes. */
    private static final int POINTER = 18;

    private TargetSize() {}

    static long bytes(SourceTable table, TableCensus census) {
        double row = TUPLE_HEADER + (census.columns().size() + 7) / 8;
        for (ColumnCensus column : census.columns()) {
            row += width(column);
        }
        long bytes = pages(row * census.rows());
        for (SourceIndex index : table.indexes()) {
            double entry = INDEX_HEADER;
            for (SourceIndex.Term term : index.terms()) {
                ColumnCensus column = term.column() == null ? null : census.column(term.column());
                entry += column == null ? 16 : Math.max(width(column), 8);
            }
            bytes += PAGE + pages(entry / INDEX_FILL * census.rows());
        }
        boolean integerKey = !table.primaryKey().isEmpty() && table.keyIndex() == null;
        return bytes + (integerKey ? PAGE + pages((INDEX_HEADER + 8) / INDEX_FILL * census.rows()) : 0);
    }

    private static long pages(double bytes) {
        return (long) Math.ceil(bytes / PAGE) * PAGE;
    }

    private static double width(ColumnCensus column) {
        long rows = column.classes().values() + column.classes().nulls();
        if (rows == 0 || column.classes().values() == 0) {
            return 0;
        }
        double values = column.classes().values();
        double width = fixedWidth(column);
        if (width < 0) {
            long numbers = column.classes().integers() + column.classes().reals();
            width = (column.bytes() + numbers * 8.0) / values + 2;
        }
        return width * values / rows;
    }

    private static int fixedWidth(ColumnCensus column) {
        return switch (column.chosen() == null ? "" : column.chosen().type()) {
            case "bigint", "double precision", "timestamp", "timestamptz", "time" -> 8;
            case "integer", "real", "date" -> 4;
            case "boolean" -> 1;
            case "uuid" -> 16;
            default -> -1;
        };
    }

    /** True if a row with the widest values could be too large for a page, with all that can be moved out moved out. */
    static boolean mayBeTooWide(TableCensus census) {
        long inline = 0;
        for (ColumnCensus column : census.columns()) {
            int fixed = fixedWidth(column);
            long length = column.lengths() == null ? 10 : column.lengths().max() + 1;
            inline += column.classes().values() == 0 ? 0 : fixed > 0 ? fixed : Math.min(length, POINTER);
        }
        return inline > INLINE_MAX;
    }

    static Duration time(List<SourceTable> tables, List<TableCensus> censuses) {
        double seconds = 1;
        for (int i = 0; i < tables.size(); i++) {
            TableCensus census = censuses.get(i);
            seconds += Math.max(census.rows() / 150_000.0, census.bytes() / 60e6)
                    + tables.get(i).indexes().size() * census.rows() / 500_000.0 + census.rows() / 200_000.0;
        }
        return Duration.ofSeconds(Math.round(seconds));
    }
}
