package dev.sluice.assess;

import java.util.List;

/**
 * One table.
 *
 * @param key how its rows are told apart, in words
 * @param contentBytes of its values
 * @param fileBytes of its pages in the file with those of its indexes, −1 if not measured
 * @param indexes how many, with those that constraints imply
 * @param targetBytes what it will take in PostgreSQL with its indexes, estimated
 */
public record TableAssessment(
        String name, String key, long rows, long contentBytes, long fileBytes, int indexes, int foreignKeys,
        long targetBytes, List<ColumnMapping> columns) {}
