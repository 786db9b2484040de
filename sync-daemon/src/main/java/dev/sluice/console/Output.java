package dev.sluice.console;

import java.util.List;
import java.util.regex.Pattern;

/**
 * What a command prints on standard output: lines and tables for people or, with {@code --json}, one JSON document and
 * nothing else. Text from databases is shown without control characters, so it can't command the terminal. Thread-safe.
 */
public final class Output {

    private static final Pattern NUMBER = Pattern.compile("-?[0-9][0-9,.]*( ?%| [kMGTPE]?B)?|-|");
    private static final int CELL_MAX = 60;

    private final Terminal terminal;
    private final boolean json;

    /** @param json whether {@code --json} was given; then only {@link #json} prints */
    public Output(Terminal terminal, boolean json) {
        this.terminal = terminal;
        this.json = json;
    }

    /** True where the caller should print {@link #json} and may skip the rest. */
    public boolean wantsJson() {
        return json;
    }

    /** Prints {@code value} as JSON if that was asked for. */
    public void json(Object value) {
        if (json) {
            terminal.line(Json.text(value));
        }
    }

    /** Prints a line of text unless JSON was asked for. */
    public void line(String text) {
        if (!json) {
            terminal.line(text);
        }
    }

    public void blank() {
        line("");
    }

    /** A heading. */
    public void heading(String text) {
        line(coloured("1", plain(text)));
    }

    /** Text in green: as it should be. */
    public String good(String text) {
        return coloured("32", text);
    }

    /** Text in yellow: worth a look. */
    public String notable(String text) {
        return coloured("33", text);
    }

    /** Text in red: something must be done. */
    public String bad(String text) {
        return coloured("31", text);
    }

    /** A table whose columns are as wide as they must be; columns of numbers stand at the right. */
    public void table(List<String> headings, List<List<String>> rows) {
        if (json) {
            return;
        }
        int columns = headings.size();
        int[] widths = new int[columns];
        boolean[] numbers = new boolean[columns];
        for (int column = 0; column < columns; column++) {
            int at = column;
            widths[column] = Math.max(headings.get(column).length(),
                    rows.stream().mapToInt(row -> cell(row.get(at)).length()).max().orElse(0));
            numbers[column] = !rows.isEmpty()
                    && rows.stream().allMatch(row -> NUMBER.matcher(row.get(at)).matches());
        }
        terminal.line(coloured("1", row(headings, widths, numbers)));
        terminal.line(row(java.util.Arrays.stream(widths).mapToObj("-"::repeat).toList(), widths, numbers));
        rows.forEach(row -> terminal.line(row(row, widths, numbers)));
    }

    /** Text without control characters, for names and texts that come from a database. */
    public static String plain(String text) {
        return text.replaceAll("\\p{Cntrl}", "\uFFFD");
    }

    private static String row(List<String> cells, int[] widths, boolean[] numbers) {
        StringBuilder line = new StringBuilder();
        for (int column = 0; column < widths.length; column++) {
            String text = cell(cells.get(column));
            String space = " ".repeat(widths[column] - text.length());
            line.append(column == 0 ? "" : "  ").append(numbers[column] ? space + text : text + space);
        }
        return line.toString().stripTrailing();
    }

    private static String cell(String text) {
        String plain = plain(text);
        return plain.length() <= CELL_MAX ? plain : plain.substring(0, CELL_MAX - 1) + "…";
    }

    private String coloured(String code, String text) {
        return terminal.colour() ? "\u001B[" + code + "m" + text + "\u001B[0m" : text;
    }
}
