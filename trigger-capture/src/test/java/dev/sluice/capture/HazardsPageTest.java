package dev.sluice.capture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code docs/design/hazards.md} names tests that exist, in both modules. */
class HazardsPageTest {

    private static final Pattern NAMED = Pattern.compile("`(\\w+)#(\\w+)`");

    @Test
    void everyHazardNamesTestsThatExist() throws IOException {
        Map<String, String> sources = testSources();
        List<String> wrong = new ArrayList<>();
        int hazards = 0;
        for (String line : Files.readAllLines(Path.of("../docs/design/hazards.md"))) {
            if (!line.startsWith("| ") || line.endsWith("| Tests |")) {
                continue;
            }
            hazards++;
            boolean named = line.contains("| not tested: ");
            for (Matcher test = NAMED.matcher(line); test.find(); named = true) {
                String source = sources.getOrDefault(test.group(1), "");
                String method = "@(Parameterized)?Test\\b.*(\\R +@.*)*\\R +void " + test.group(2) + "\\(";
                if (!Pattern.compile(method).matcher(source).find()) {
                    wrong.add("no such test: " + test.group());
                }
            }
            if (!named) {
                wrong.add("no test: " + line);
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(hazards).isGreaterThan(90);
    }

    /** The tests' text by the name of their class. */
    private static Map<String, String> testSources() throws IOException {
        Map<String, String> sources = new HashMap<>();
        for (String module : List.of("trigger-capture", "sync-daemon")) {
            try (Stream<Path> files = Files.walk(Path.of("..", module, "src/test/java"))) {
                for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
                    sources.put(file.getFileName().toString().replace(".java", ""), Files.readString(file));
                }
            }
        }
        return sources;
    }
}
