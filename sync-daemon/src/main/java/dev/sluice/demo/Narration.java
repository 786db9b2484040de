package dev.sluice.demo;

import dev.sluice.console.Terminal;
import java.io.PrintStream;
import java.util.List;

/** Tells the steps of the demo to a person. Thread-safe as far as its stream is. */
final class Narration {

    private static final String INDENT = "   ";
    private static final int WIDTH = 116;

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

    void blank() {
        print("");
    }

    /** Text below the heading; what is too long for a line goes on in the next, a little further in. */
    void line(String text) {
        String rest = INDENT + text;
        String margin = " ".repeat(rest.length() - rest.stripLeading().length() + 2);
        int end = breakAt(rest, margin.length());
        while (end > 0) {
            print(rest.substring(0, end));
            rest = margin + rest.substring(end + 1);
            end = breakAt(rest, margin.length());
        }
        print(rest);
    }

    /** The last space that leaves the line short enough, 0 where it is short enough or has none. */
    private static int breakAt(String text, int from) {
        int end = text.length() <= WIDTH ? 0 : text.lastIndexOf(' ', WIDTH);
        return end > from ? end : 0;
    }

    /** Lines with columns, those of numbers to the right. */
    void table(List<String> headings, List<List<String>> rows) {
        int[] widths = new int[headings.size()];
        boolean[] numbers = new boolean[headings.size()];
        for (int i = 0; i < widths.length; i++) {
            int column = i;
            widths[i] = Math.max(headings.get(i).length(),
                    rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0));
            numbers[i] = rows.stream().allMatch(row -> row.get(column).matches("[0-9,]+"));
        }
        print(INDENT + row(headings, widths, numbers));
        rows.forEach(row -> print(INDENT + row(row, widths, numbers)));
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
