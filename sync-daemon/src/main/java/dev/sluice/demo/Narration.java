package dev.sluice.demo;

import dev.sluice.console.Terminal;
import java.io.PrintStream;
import java.util.List;

/** Tells the steps of the demo to a person. Thread-safe as far as its stream is. */
final class Narration {

    private static final String INDENT = "   ";

    private final PrintStream out;
    private final boolean bold;
    private int step;
    private volatile boolean silent;

    Narration(PrintStream out) {
        this.out = out;
        this.bold = out == System.out && Terminal.standardOutput().colour();
    }

    void title(String text) {
        print(heading(text));
    }

    /** The heading of the next step. */
    void step(String text) {
        step++;
        print("");
        print(heading(step + "  " + text));
    }

    /** One line below the heading. */
    void line(String text) {
        print(INDENT + text);
    }

    /** Lines with columns, those of numbers to the right. */
    void table(List<String> headings, List<List<String>> rows) {
        int[] widths = new int[headings.size()];
        boolean[] numbers = new boolean[headings.size()];
        for (int i = 0; i < widths.length; i++) {
            int column = i;
            widths[i] = Math.max(headings.get(i).length(), rows.stream().mapToInt(r -> r.get(column).length()).max().orElse(0));
            numbers[i] = rows.stream().allMatch(row -> row.get(column).matches("[0-9,]+"));
        }
        line(row(headings, widths, numbers));
        rows.forEach(row -> line(row(row, widths, numbers)));
    }

    /** From now on nothing is told, because the demo was interrupted and what follows is only its collapse. */
    void fallSilent() {
        silent = true;
    }

    private static String row(List<String> cells, int[] widths, boolean[] numbers) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String space = " ".repeat(widths[i] - cells.get(i).length());
            line.append(i == 0 ? "" : "  ").append(numbers[i] ? space + cells.get(i) : cells.get(i) + space);
        }
        return line.toString().stripTrailing();
    }

    private String heading(String text) {
        return bold ? "\u001B[1m" + text + "\u001B[0m" : text;
    }

    private void print(String text) {
        if (!silent) {
            out.println(text);
        }
    }
}
